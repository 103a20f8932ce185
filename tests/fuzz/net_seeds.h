/* net_seeds.h: models as the bytes of a file, to begin from. */
#ifndef FUZZ_NET_SEEDS_H
#define FUZZ_NET_SEEDS_H

#include "driver.h"

#include <evenkeel/model.h>

/* The model's file; the model is destroyed. */
void net_seed(ek_model *model, fuzz_each *each, void *context);
/* So many random graphs (tests/surgery/random_net.h). */
void random_net_seeds(uint64_t count, fuzz_each *each, void *context);

#endif
