/* mutate.h: the same model in other bytes, as protobuf's rules allow: for tests of loading, saving and comparing.
 *
 * Works on the generated descriptors and shares no code with src/onnx. Equal seeds give equal bytes.
 */
#ifndef TEST_ONNX_MUTATE_H
#define TEST_ONNX_MUTATE_H

#include "protobuild.h"

enum mutation {
    MUTATE_ORDER = 1,   /* fields of different numbers change places */
    MUTATE_PACKING = 2, /* repeated numbers packed or not, or in two pieces */
    MUTATE_VARINTS = 4, /* tags, lengths and numbers longer than needed */
    MUTATE_UNKNOWN = 8, /* fields of numbers that onnx.proto does not have, between the others */
    MUTATE_SPLIT = 16,  /* a singular message in two parts, which a reader has to merge */
    MUTATE_ALL = 31
};

/* Whether the bytes are such a model at all: fields that end, of wire types that exist, at every depth. */
int mutate_can(const void *data, size_t size);

/* A set of mutations applied all over a ModelProto, to about one field in `rarity`. */
void mutate_model(const void *data, size_t size, unsigned mutations, unsigned rarity, uint64_t seed, pb *out);

/* The next of a sequence of random numbers (splitmix64). */
uint64_t mutate_random(uint64_t *state);

#endif
