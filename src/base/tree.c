/* tree.c: see tree.h. */
#include "base/tree.h"

#include <string.h>

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

static void add(double *left, const double *right, size_t count) {
    for (size_t i = 0; i < count; i++) left[i] = left[i] + right[i];
}

int eki_tree_join(eki_tree_node *nodes, double *values, int n, size_t count) {
    int kept = 0;
    for (int i = 0; i < n; i++) {
        nodes[kept] = nodes[i];
        if (kept != i) memcpy(values + (size_t)kept * count, values + (size_t)i * count, count * sizeof *values);
        for (; kept > 0; kept--) {
            eki_tree_node *left = &nodes[kept - 1];
            const eki_tree_node *right = &nodes[kept];
            if (left->level != right->level || left->index % 2 != 0 || right->index != left->index + 1) break;
            add(values + (size_t)(kept - 1) * count, values + (size_t)kept * count, count);
            *left = (eki_tree_node){left->level + 1, left->index / 2};
        }
        kept++;
    }
    return kept;
}

void eki_tree_root(double *values, int n, size_t count) {
    if (n == 0) memset(values, 0, count * sizeof *values);
    for (int i = n - 1; i > 0; i--) add(values + (size_t)(i - 1) * count, values + (size_t)i * count, count);
}
