/* cover.c: joining nodes of the fixed tree.
 *
 * A cover is the fewest aligned nodes of a range because every node that could be a parent is made one at once: pushed
 * behind [a, b), a node that is a left child has no sibling yet; a right child has its own as the last node, or that
 * begins before a and is no node of the range.
 */
#include "norm/cover.h"

int64_t eki_cover_capacity(int64_t units) {
    int64_t bits = 0;
    for (int64_t rest = units; rest > 0; rest /= 2) bits++;
    int64_t most = 2 * bits;
    return units < 1 ? 1 : units < most ? units : most;
}

static eki_pair merge(bool moments, double n_left, eki_pair left, double n_right, eki_pair right) {
    if (!moments) return (eki_pair){left.a + right.a, left.b + right.b};
    eki_moments m = eki_moments_merge((eki_moments){n_left, left.a, left.b}, (eki_moments){n_right, right.a, right.b});
    return (eki_pair){m.mean, m.m2};
}

static bool siblings(const eki_node *left, const eki_node *right) {
    return left->level == right->level && (left->begin >> left->level) % 2 == 0;
}

static bool aligned(const eki_node *node) {
    return node->level >= 0 && node->level < 62 && node->begin >= 0 && node->begin < INT64_C(1) << 62 &&
           node->begin % (INT64_C(1) << node->level) == 0;
}

bool eki_cover_push(eki_cover *cover, eki_node node, eki_pair value) {
    int64_t last = cover->count - 1;
    if (!aligned(&node) || cover->count == EKI_COVER_MAX) return false;
    if (last >= 0 && eki_node_end(&cover->node[last]) != node.begin) return false;
    for (; last >= 0 && siblings(&cover->node[last], &node); last--) {
        const eki_node *left = &cover->node[last];
        value = merge(cover->moments, left->n, cover->value[last], node.n, value);
        node = (eki_node){left->begin, left->level + 1, left->n + node.n};
    }
    cover->node[last + 1] = node;
    cover->value[last + 1] = value;
    cover->count = last + 2;
    return true;
}

eki_pair eki_cover_root(const eki_cover *cover, double *n) {
    int64_t last = cover->count - 1;
    *n = 0;
    if (last < 0) return (eki_pair){0, 0};
    eki_pair root = cover->value[last];
    *n = cover->node[last].n;
    while (--last >= 0) {
        root = merge(cover->moments, cover->node[last].n, cover->value[last], *n, root);
        *n += cover->node[last].n;
    }
    return root;
}
