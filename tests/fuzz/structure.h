/* structure.h: changes of a model as a message, which a graph of ours could not hold: graphs within nodes, functions
 * around nodes, declared extents without sense, attributes of another type, names missing and taken twice. */
#ifndef FUZZ_STRUCTURE_H
#define FUZZ_STRUCTURE_H

#include <stddef.h>
#include <stdint.h>

/* One to four changes in place, chosen by the seed; the new size, 0 = the bytes are no model, or there is no room. */
size_t fuzz_structure(uint8_t *data, size_t size, size_t room, uint64_t seed);

#endif
