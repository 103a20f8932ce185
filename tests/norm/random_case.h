/* random_case.h: one random norm: a descriptor, what its call is given, and the data, all functions of a seed and a
 * number, without libm: the same on every machine. */
#ifndef RANDOM_CASE_H
#define RANDOM_CASE_H

#include <evenkeel/norm.h>
#include <stddef.h>
#include <stdint.h>

enum { RANDOM_TEXT = 256 };

typedef struct random_case {
    ek_norm_desc desc;
    ek_norm_stats stats;
    int no_scale, no_bias; /* the pointer is NULL */
    int backward;          /* one follows the forward */
    int shift;             /* elements by which tensors begin later in memory than they might */
    double offset, spread; /* of x: its mean, and its deviation */
    int strange; /* 1: x and dy have zeros, denormals, huge numbers, infinities, NaN; 2: large numbers that cancel */
    size_t elements, parameters, masked_positions; /* elements: with the padding of a layout; positions of the mask */
    char text[RANDOM_TEXT];
} random_case;

random_case random_case_make(uint64_t seed, uint64_t number);

/* Bytes of an element, and of a parameter or statistic. */
size_t random_element_bytes(const random_case *c);
size_t random_real_bytes(const random_case *c);

/* Fills a tensor (of `elements`), parameters (of `count` reals), positive ones, a mask. `purpose` tells them apart. */
void random_fill_tensor(const random_case *c, uint64_t seed, const char *purpose, void *tensor);
void random_fill_reals(const random_case *c, uint64_t seed, const char *purpose, int positive, void *reals);
void random_fill_mask(const random_case *c, uint64_t seed, uint8_t *mask);

/* `hash` and then `count` elements (of reals: `real`), any NaN as one. */
uint64_t random_hash(const random_case *c, uint64_t hash, const void *data, size_t count, int real);

#endif
