/* partial.h: partial results, which merge in the fixed tree over the index of their units (base/tree.h). An empty one
 * (n = 0) leaves the other as it is.
 */
#ifndef EKI_PARTIAL_H
#define EKI_PARTIAL_H

#include "base/tree.h"

/* Count, mean and sum of squared differences from the mean. */
typedef struct eki_moments {
    double n, mean, m2;
} eki_moments;

/* Two plain sums. */
typedef struct eki_pair {
    double a, b;
} eki_pair;

/* From sums of (x - shift) and its square over n elements; centred = 0 keeps the mean at 0 (RMS, shift 0). */
eki_moments eki_moments_from_sums(double n, double shift, double s1, double s2, int centred);

/* Chan, Golub and LeVeque 1979. Equal means stay exactly what they are. */
eki_moments eki_moments_merge(eki_moments a, eki_moments b);

/* Root of the tree over partials[i * stride], i = 0..count-1. */
eki_moments eki_moments_tree(const eki_moments *partials, int64_t count, int64_t stride);
eki_pair eki_pair_tree(const eki_pair *partials, int64_t count, int64_t stride);

/* Trees that are fed one partial after the other; `count` is 0 at first. */
typedef struct eki_moments_stack {
    uint64_t count;
    eki_moments value[EKI_TREE_LEVELS + 1];
    int held;
} eki_moments_stack;

typedef struct eki_pair_stack {
    uint64_t count;
    eki_pair value[EKI_TREE_LEVELS + 1];
    int held;
} eki_pair_stack;

void eki_moments_push(eki_moments_stack *stack, eki_moments partial);
eki_moments eki_moments_root(eki_moments_stack *stack);
void eki_pair_push(eki_pair_stack *stack, eki_pair partial);
eki_pair eki_pair_root(eki_pair_stack *stack);

/* Mergers of moments, and of two sums with their count, as values of a tree. */
void eki_tree_merge_moments(void *left, const void *right, size_t count);
void eki_tree_merge_sums(void *left, const void *right, size_t count);

#endif
