/* random_net.h: random graphs: convolutions of all kinds, products, norms, stray arithmetic, branches, shared parts,
 * outputs in between, weights that a caller may replace. The same seed gives the same graph. */
#ifndef SURGERY_RANDOM_NET_H
#define SURGERY_RANDOM_NET_H

#include "net.h"

ek_model *random_net(uint64_t seed);

#endif
