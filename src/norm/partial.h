/* partial.h: partial results and the fixed binary tree that merges them.
 *
 * The tree over units 0..n-1 is aligned at powers of two: node i of level l covers units [i 2^l, (i+1) 2^l). A node
 * without a right child is its left child; an empty partial (n = 0) leaves the other as it is.
 */
#ifndef EKI_PARTIAL_H
#define EKI_PARTIAL_H

#include <stdint.h>

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

/* The same trees, fed one partial after the other; 64 levels hold any count. */
typedef struct eki_moments_stack {
    uint64_t count;
    eki_moments level[64];
} eki_moments_stack;

typedef struct eki_pair_stack {
    uint64_t count;
    eki_pair level[64];
} eki_pair_stack;

void eki_moments_push(eki_moments_stack *stack, eki_moments partial);
eki_moments eki_moments_root(const eki_moments_stack *stack);
void eki_pair_push(eki_pair_stack *stack, eki_pair partial);
eki_pair eki_pair_root(const eki_pair_stack *stack);

#endif
