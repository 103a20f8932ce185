/* partial.c: making, merging and feeding partial results. */
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

void eki_tree_merge_moments(void *left, const void *right, size_t count) {
    (void)count;
    eki_moments *sum = left;
    *sum = eki_moments_merge(*sum, *(const eki_moments *)right);
}

void eki_tree_merge_sums(void *left, const void *right, size_t count) { eki_tree_add(left, right, 3 * count); }

static void add_pair(void *left, const void *right, size_t count) {
    (void)count;
    eki_pair *sum = left;
    const eki_pair *more = right;
    *sum = (eki_pair){sum->a + more->a, sum->b + more->b};
}

static eki_tree_stack moments_of(eki_moments_stack *s) {
    return (eki_tree_stack){s->value, sizeof s->value[0], 1, eki_tree_merge_moments};
}

static eki_tree_stack pairs_of(eki_pair_stack *s) {
    return (eki_tree_stack){s->value, sizeof s->value[0], 1, add_pair};
}

void eki_moments_push(eki_moments_stack *stack, eki_moments partial) {
    if (stack->count == 0) stack->held = 0;
    stack->value[stack->held] = partial;
    eki_tree_stack tree = moments_of(stack);
    stack->held = eki_tree_push(&tree, stack->held, stack->count++);
}

eki_moments eki_moments_root(eki_moments_stack *stack) {
    eki_tree_stack tree = moments_of(stack);
    if (stack->count == 0) return (eki_moments){0, 0, 0};
    eki_tree_root(&tree, stack->held);
    return stack->value[0];
}

void eki_pair_push(eki_pair_stack *stack, eki_pair partial) {
    if (stack->count == 0) stack->held = 0;
    stack->value[stack->held] = partial;
    eki_tree_stack tree = pairs_of(stack);
    stack->held = eki_tree_push(&tree, stack->held, stack->count++);
}

eki_pair eki_pair_root(eki_pair_stack *stack) {
    eki_tree_stack tree = pairs_of(stack);
    if (stack->count == 0) return (eki_pair){0, 0};
    eki_tree_root(&tree, stack->held);
    return stack->value[0];
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
