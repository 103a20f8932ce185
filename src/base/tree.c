/* tree.c: see tree.h.
 *
 * The nodes that are held are a binary counter: the bits of the number of chunks say which levels hold a finished node,
 * and a new chunk merges upwards through the bits that carry. So no more is stored than one node per level. A cover is
 * the fewest nodes of a range because every node that could be a parent is made one at once: a left child has no
 * sibling yet; a right child has its own as the last node, or that begins before the range and is no node of it.
 */
#include "base/tree.h"

#include <string.h>

void eki_tree_add(void *left, const void *right, size_t count) {
    double *restrict sum = left;
    const double *restrict more = right;
    for (size_t i = 0; i < count; i++) sum[i] += more[i];
}

int eki_tree_cover(int64_t first, int64_t count, eki_tree_node nodes[EKI_TREE_COVER]) {
    int n = 0;
    int64_t at = first, end = first + count;
    while (at < end) {
        int level = 0;
        while (level < 61 && at % ((int64_t)2 << level) == 0 && at + ((int64_t)2 << level) <= end) level++;
        nodes[n++] = (eki_tree_node){level, at >> level};
        at += (int64_t)1 << level;
    }
    return n;
}

int eki_tree_settle(eki_tree_node *nodes, int n, const eki_tree_stack *stack) {
    for (; n > 1; n--) {
        eki_tree_node *left = &nodes[n - 2];
        const eki_tree_node *right = &nodes[n - 1];
        if (left->level != right->level || left->index % 2 != 0 || right->index != left->index + 1) break;
        eki_tree_merge_last(stack, n);
        *left = (eki_tree_node){left->level + 1, left->index / 2};
    }
    return n;
}

int eki_tree_join(eki_tree_node *nodes, int n, const eki_tree_stack *stack) {
    int held = 0;
    char *values = stack->values;
    for (int i = 0; i < n; i++) {
        nodes[held] = nodes[i];
        if (held != i) memcpy(values + (size_t)held * stack->stride, values + (size_t)i * stack->stride, stack->stride);
        held = eki_tree_settle(nodes, held + 1, stack);
    }
    return held;
}
