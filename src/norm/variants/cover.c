/* cover.c: see cover.h. Nodes come from other machines, so each is looked at before it is used. */
#include "norm/variants/cover.h"

int64_t eki_cover_capacity(int64_t units) {
    int64_t bits = 0;
    for (int64_t rest = units; rest > 0; rest /= 2) bits++;
    int64_t most = 2 * bits;
    return units < 1 ? 1 : units < most ? units : most;
}

static bool sound(const eki_tree_node *node) {
    return node->level >= 0 && node->level < 62 && node->index >= 0 && node->index < INT64_C(1) << (62 - node->level);
}

int64_t eki_cover_begin(const eki_cover *cover) {
    const eki_tree_node *first = &cover->node[0];
    return cover->count > 0 && sound(first) ? first->index << first->level : 0;
}

int64_t eki_cover_end(const eki_cover *cover) {
    const eki_tree_node *last = &cover->node[cover->count > 0 ? cover->count - 1 : 0];
    return cover->count > 0 && sound(last) ? (last->index + 1) << last->level : 0;
}

static eki_tree_stack values_of(eki_cover *cover) {
    eki_tree_merge merge = cover->moments ? eki_tree_merge_moments : eki_tree_merge_sums;
    return (eki_tree_stack){cover->value, sizeof cover->value[0], 1, merge};
}

bool eki_cover_push(eki_cover *cover, eki_tree_node node, eki_moments value) {
    if (!sound(&node) || cover->count == EKI_COVER_MAX) return false;
    if (cover->count > 0 && eki_cover_end(cover) != node.index << node.level) return false;
    cover->node[cover->count] = node;
    cover->value[cover->count] = value;
    eki_tree_stack values = values_of(cover);
    cover->count = eki_tree_settle(cover->node, (int)cover->count + 1, &values);
    return true;
}

eki_moments eki_cover_root(eki_cover *cover) {
    eki_tree_stack values = values_of(cover);
    if (cover->count == 0) return (eki_moments){0, 0, 0};
    eki_tree_root(&values, (int)cover->count);
    return cover->value[0];
}
