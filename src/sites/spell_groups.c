/* spell_groups.c: group norm: Reshape to [N, groups, ...], a norm of each group, Reshape back, scale and bias per
 * channel. The norm of a group is an InstanceNormalization that has ones and zeros (Wu and He 2018, section 3.1), or is
 * written out (spell_moments.c).
 */
#include "sites/spell.h"

/* Whether target[i..] are the extents dims[0..]: each the same, or one of all that stands for the rest. */
static bool extents_are(const int64_t *target, const int64_t *dims, int count, int *rests) {
    for (int i = 0; i < count; i++) {
        if (target[i] == -1) (*rests)++;
        if (target[i] != -1 && (target[i] < 1 || target[i] != dims[i])) return false;
    }
    return *rests <= 1;
}

bool eki_match_groups(eki_finder *f, eki_node *reshape, int64_t *groups) {
    int64_t target[EKI_CONSTANT_LIST], within[EKI_MAX_RANK + 1];
    int count, rests = 0;
    if (!eki_is_op(reshape, EKI_OP_Reshape) || reshape->n_in != 2 || reshape->in[0] == NULL) return false;
    const eki_shape *x = eki_extents(f, reshape->in[0]);
    if (x->rank < 2 || x->dims[1] < 1 || eki_node_int(reshape, "allowzero", 0) != 0) return false;
    if (!eki_constant_list(f->constants, reshape->in[1], target, &count) || count < 3) return false;
    *groups = target[1];
    if (*groups < 1 || x->dims[1] % *groups != 0) return false;
    if (target[0] != 0 && target[0] != -1 && target[0] != x->dims[0]) return false;
    rests = target[0] == -1;
    within[0] = x->dims[1] / *groups;
    for (int i = 2; i < x->rank; i++) within[i - 1] = x->dims[i];
    if (count == x->rank + 1 && extents_are(target + 2, within, x->rank - 1, &rests)) return true;
    eki_shape all = eki_shape_of(x->rank - 1, within);
    int64_t elements;
    if (count != 3) return false;
    if (target[2] == -1) return rests == 0;
    return eki_shape_count(&all, &elements) && elements == target[2];
}

/* Shape(x), whole. */
static bool is_shape_of(const eki_value *value, const eki_value *x) {
    const eki_node *shape = eki_maker(value, EKI_OP_Shape);
    return shape != NULL && shape->n_in == 1 && shape->in[0] == x && shape->n_attr == 0;
}

bool eki_match_ungroup(eki_finder *f, eki_node *reshape, eki_value *x) {
    int64_t target[EKI_CONSTANT_LIST];
    int count, rests = 0;
    const eki_shape *shape = eki_extents(f, x);
    if (!eki_is_op(reshape, EKI_OP_Reshape) || reshape->n_in != 2 || reshape->in[1] == NULL) return false;
    if (eki_node_int(reshape, "allowzero", 0) != 0) return false;
    if (is_shape_of(reshape->in[1], x)) return true;
    if (!eki_constant_list(f->constants, reshape->in[1], target, &count) || count != shape->rank) return false;
    if (target[0] != 0 && target[0] != -1 && target[0] != shape->dims[0]) return false;
    rests = target[0] == -1;
    return extents_are(target + 1, shape->dims + 1, count - 1, &rests);
}

bool eki_groups_kind(eki_finder *f, eki_site *site, int64_t groups, eki_spelling spelling) {
    const eki_shape *x = eki_extents(f, site->x);
    unsigned all = 0;
    for (int i = 1; i < x->rank; i++) all |= 1U << i;
    eki_tail_rule rule = {.x = x, .allowed = {1U << 1, all}, .n_allowed = groups == 1 && x->rank > 2 ? 2 : 1};
    eki_site_tail(f, site, &rule);
    site->spelling = spelling;
    site->kind = rule.chosen == 1 ? EKI_SITE_LAYER : EKI_SITE_GROUP;
    site->channel_axis = rule.chosen == 1 ? -1 : 1;
    site->rank = x->rank;
    site->channels = x->dims[1];
    site->groups = groups;
    site->n_axes = x->rank - 1;
    for (int i = 1; i < x->rank; i++) site->axes[i - 1] = i;
    return true;
}

static bool is_constant_of(const eki_finder *f, const eki_value *value, int64_t count, double number) {
    eki_numbers numbers;
    eki_shape shape;
    int64_t elements;
    if (!eki_is_constant(f->constants, value, &shape) || !eki_shape_count(&shape, &elements)) return false;
    if (elements != count || eki_constant_numbers(f->constants, value, &numbers, NULL) != EK_OK) return false;
    bool all = true;
    for (int64_t i = 0; i < count; i++) all = all && numbers.at[i] == number;
    eki_numbers_free(&numbers);
    return all;
}

bool eki_spell_reshaped(eki_finder *f, eki_node *node, eki_site *site) {
    if (!eki_is_op(node, EKI_OP_InstanceNormalization) || node->n_in != 3 || node->in[0] == NULL) return false;
    eki_node *in = eki_maker(node->in[0], EKI_OP_Reshape), *back = eki_reader(f, node->out[0]);
    int64_t groups;
    if (in == NULL || !eki_match_groups(f, in, &groups) || !eki_match_ungroup(f, back, in->in[0])) return false;
    if (!is_constant_of(f, node->in[1], groups, 1) || !is_constant_of(f, node->in[2], groups, 0)) return false;
    if (!eki_site_take(f, site, in) || !eki_site_take(f, site, node) || !eki_site_take(f, site, back)) return false;
    site->x = in->in[0];
    site->y = back->out[0];
    eki_epsilon_attribute(node, 1e-5F, site);
    return eki_groups_kind(f, site, groups, EKI_SPELL_RESHAPED) && eki_site_closed(f, site);
}
