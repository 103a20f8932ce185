/* partial.c: merging partial results in one fixed binary tree.
 *
 * Fed in order of index, the tree is a binary counter: the bits of the count say which levels hold a finished node,
 * and a new partial merges upwards through the bits that carry. At the end the levels merge from the lowest, which
 * is the rightmost, upwards: exactly the tree in which a missing right child passes the left one through. So no
 * storage is needed beyond one node per level, and a stored tree would give the same bits.
 */
#include "norm/partial.h"

eki_moments eki_moments_from_sums(double n, double shift, double s1, double s2, int centred) {
    if (!centred) return (eki_moments){n, 0.0, s2};
    double m2 = s2 - s1 * s1 / n;
    return (eki_moments){n, shift + s1 / n, m2 < 0.0 ? 0.0 : m2}; /* NaN stays NaN */
}

eki_moments eki_moments_merge(eki_moments a, eki_moments b) {
    if (b.n == 0.0) return a;
    if (a.n == 0.0) return b;
    double n = a.n + b.n, difference = b.mean - a.mean, share = b.n / n;
    double between = difference * difference * (a.n * share);
    return (eki_moments){n, a.mean + difference * share, (a.m2 + b.m2) + between};
}

static eki_pair pair_merge(eki_pair a, eki_pair b) { return (eki_pair){a.a + b.a, a.b + b.b}; }

void eki_moments_push(eki_moments_stack *stack, eki_moments partial) {
    int level = 0;
    for (uint64_t bits = stack->count; bits & 1; bits >>= 1)
        partial = eki_moments_merge(stack->level[level++], partial);
    stack->level[level] = partial;
    stack->count++;
}

eki_moments eki_moments_root(const eki_moments_stack *stack) {
    eki_moments root = {0, 0, 0};
    for (int level = 0; stack->count >> level != 0; level++) {
        if (stack->count >> level & 1) root = eki_moments_merge(stack->level[level], root);
    }
    return root;
}

void eki_pair_push(eki_pair_stack *stack, eki_pair partial) {
    int level = 0;
    for (uint64_t bits = stack->count; bits & 1; bits >>= 1) partial = pair_merge(stack->level[level++], partial);
    stack->level[level] = partial;
    stack->count++;
}

eki_pair eki_pair_root(const eki_pair_stack *stack) {
    eki_pair root = {0, 0};
    int filled = 0;
    for (int level = 0; stack->count >> level != 0; level++) {
        if (!(stack->count >> level & 1)) continue;
        root = filled ? pair_merge(stack->level[level], root) : stack->level[level];
        filled = 1;
    }
    return root;
}

eki_moments eki_moments_tree(const eki_moments *partials, int64_t count, int64_t stride) {
    if (count == 1) return partials[0];
    eki_moments_stack stack;
    stack.count = 0;
    for (int64_t i = 0; i < count; i++) eki_moments_push(&stack, partials[i * stride]);
    return eki_moments_root(&stack);
}

eki_pair eki_pair_tree(const eki_pair *partials, int64_t count, int64_t stride) {
    if (count == 1) return partials[0];
    eki_pair_stack stack;
    stack.count = 0;
    for (int64_t i = 0; i < count; i++) eki_pair_push(&stack, partials[i * stride]);
    return eki_pair_root(&stack);
}
