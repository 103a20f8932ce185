/* tree.h: the fixed binary tree, in which every sum over chunks (units, examples, images) is taken.
 *
 * It is aligned at powers of two: node i of level l covers chunks [i 2^l, (i+1) 2^l) and is the merger of its two
 * halves; one without a right half is its left half. Consecutive chunks, wherever they begin, are covered by few nodes,
 * which merge with their siblings as these come, so who holds which chunks changes no bit.
 */
#ifndef EKI_TREE_H
#define EKI_TREE_H

#include <stddef.h>
#include <stdint.h>

/* A value is `count` numbers, or whatever the one that merges takes it for; left becomes left and right together. */
typedef void (*eki_tree_merge)(void *left, const void *right, size_t count);

/* Plain sums: values of `count` doubles. */
void eki_tree_add(void *left, const void *right, size_t count);

/* Values in a stack, `stride` bytes apart, finished nodes of a tree over chunks 0, 1, ... from the left. */
typedef struct eki_tree_stack {
    void *values;
    size_t stride, count;
    eki_tree_merge merge;
} eki_tree_stack;

enum { EKI_TREE_LEVELS = 64 }; /* that many nodes hold any count of chunks, with one behind them to be pushed */

static inline void eki_tree_merge_last(const eki_tree_stack *stack, int held) {
    char *last = (char *)stack->values + (size_t)(held - 1) * stack->stride;
    stack->merge(last - stack->stride, last, stack->count);
}

/* The value behind `held` others becomes the index-th chunk (or node of one level), which completes as many nodes as
 * `index` has ones at its end. Returns how many values are held then. */
static inline int eki_tree_push(const eki_tree_stack *stack, int held, uint64_t index) {
    for (held++; index & 1; index >>= 1) eki_tree_merge_last(stack, held--);
    return held;
}

/* What is held as one: the root, in the first place. */
static inline void eki_tree_root(const eki_tree_stack *stack, int held) {
    for (; held > 1; held--) eki_tree_merge_last(stack, held);
}

/* Chunks [index 2^level, (index + 1) 2^level). */
typedef struct eki_tree_node {
    int64_t level, index;
} eki_tree_node;

enum { EKI_TREE_COVER = 126 }; /* no range needs more */

/* The fewest nodes that cover chunks first .. first + count - 1, from the left. Returns how many. */
int eki_tree_cover(int64_t first, int64_t count, eki_tree_node nodes[EKI_TREE_COVER]);

/* The last of n nodes merges with its left sibling, what comes of it with its own, and so on. Returns how many are
 * left. */
int eki_tree_settle(eki_tree_node *nodes, int n, const eki_tree_stack *stack);

/* The nodes of two covers, one behind the other, become those of the joined range, in place. Returns how many. */
int eki_tree_join(eki_tree_node *nodes, int n, const eki_tree_stack *stack);

#endif
