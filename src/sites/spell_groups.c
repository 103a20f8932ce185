/* spell_groups.c: group norm: Reshape to [N, groups, ...], a norm of each group, Reshape back, scale and bias per
 * channel. The norm of a group is an InstanceNormalization that has ones and zeros (Wu and He 2018, section 3.1), or is
 * written out (spell_moments.c).
 */
#include "sites/spell.h"

/* An entry of a Reshape's target: a number, or the extent of x along an axis, which the graph reads when it runs. */
typedef struct entry {
    int64_t number;
    int axis; /* -1 = it is the number */
} entry;

/* Shape(x), whole. */
static bool is_shape_of(const eki_value *value, const eki_value *x) {
    const eki_node *shape = eki_maker(value, EKI_OP_Shape);
    return shape != NULL && shape->n_in == 1 && shape->in[0] == x && shape->n_attr == 0;
}

/* One element of Shape(x), by Gather or Slice, as a list of one. */
static bool match_extent(const eki_finder *f, const eki_value *value, const eki_value *x, entry *out) {
    const eki_node *node = eki_maker(value, EKI_OP_Unsqueeze);
    if (node != NULL && node->n_in > 0) value = node->in[0];
    const eki_node *gather = eki_maker(value, EKI_OP_Gather), *slice = eki_maker(value, EKI_OP_Slice);
    double from = 0, to = 0;
    if (gather != NULL && gather->n_in == 2) {
        if (!is_shape_of(gather->in[0], x) || !eki_constant_scalar(f->constants, gather->in[1], &from)) return false;
        to = from + 1;
    } else if (slice != NULL && slice->n_in >= 3) {
        if (!is_shape_of(slice->in[0], x) || !eki_constant_scalar(f->constants, slice->in[1], &from)) return false;
        if (!eki_constant_scalar(f->constants, slice->in[2], &to)) return false;
    }
    *out = (entry){.axis = (int)from};
    return from >= 0 && from < EKI_MAX_RANK && to == from + 1;
}

/* A target: a constant, or a Concat of constants and extents of x. */
static bool read_target(const eki_finder *f, const eki_value *value, const eki_value *x, entry *target, int *count) {
    int64_t list[EKI_CONSTANT_LIST];
    int n;
    *count = 0;
    const eki_node *concat = eki_maker(value, EKI_OP_Concat);
    for (int k = 0; k < (concat == NULL ? 1 : concat->n_in); k++) {
        const eki_value *part = concat == NULL ? value : concat->in[k];
        entry one;
        if (part == NULL) return false;
        if (eki_constant_list(f->constants, part, list, &n)) {
            for (int i = 0; i < n && *count < EKI_CONSTANT_LIST; i++) target[(*count)++] = (entry){list[i], -1};
        } else if (*count < EKI_CONSTANT_LIST && match_extent(f, part, x, &one)) {
            target[(*count)++] = one;
        } else if (*count < EKI_CONSTANT_LIST && eki_known_number(f, part, &list[0])) {
            target[(*count)++] = (entry){list[0], -1};
        } else {
            return false;
        }
    }
    return true;
}

bool eki_reshape_extents(const eki_finder *f, const eki_node *reshape, eki_shape *out) {
    entry target[EKI_CONSTANT_LIST];
    int count;
    if (reshape->op != EKI_OP_Reshape || reshape->n_in != 2) return false;
    if (reshape->in[0] == NULL || reshape->in[1] == NULL) return false;
    if (!read_target(f, reshape->in[1], reshape->in[0], target, &count) || count > EKI_MAX_RANK) return false;
    const eki_shape *x = eki_extents(f, reshape->in[0]);
    *out = (eki_shape){.rank = count};
    for (int i = 0; i < count; i++) {
        int axis = target[i].axis < 0 && target[i].number == 0 ? i : target[i].axis;
        out->dims[i] = axis < 0 ? target[i].number : axis < x->rank ? x->dims[axis] : EKI_OPEN;
        if (axis < 0 && target[i].number < 0) out->dims[i] = EKI_OPEN;
    }
    return true;
}

/* Whether an entry is the extent of x along this axis: itself, its number, or the one of all that stands for the rest.
 */
static bool is_extent(const entry *e, const eki_shape *x, int axis, int *rests) {
    if (e->axis >= 0) return e->axis == axis;
    if (e->number == -1) return ++*rests <= 1;
    return e->number > 0 && e->number == x->dims[axis];
}

static bool is_batch(const entry *e, const eki_shape *x, int *rests) {
    return (e->axis < 0 && e->number == 0) || is_extent(e, x, 0, rests);
}

bool eki_match_groups(eki_finder *f, eki_node *reshape, int64_t *groups) {
    entry target[EKI_CONSTANT_LIST];
    int count, rests = 0;
    if (!eki_is_op(reshape, EKI_OP_Reshape) || reshape->n_in != 2 || reshape->in[0] == NULL) return false;
    const eki_shape *x = eki_extents(f, reshape->in[0]);
    if (x->rank < 2 || x->dims[1] < 1 || eki_node_int(reshape, "allowzero", 0) != 0) return false;
    if (!read_target(f, reshape->in[1], reshape->in[0], target, &count) || count < 3 || target[1].axis >= 0)
        return false;
    *groups = target[1].number;
    if (*groups < 1 || x->dims[1] % *groups != 0 || !is_batch(&target[0], x, &rests)) return false;
    int64_t within = x->dims[1] / *groups, elements;
    if (count == x->rank + 1) {
        bool same = target[2].axis < 0 && (target[2].number == within || (target[2].number == -1 && ++rests <= 1));
        for (int i = 2; same && i < x->rank; i++) same = is_extent(&target[i + 1], x, i, &rests);
        if (same) return true;
    }
    if (count != 3 || target[2].axis >= 0) return false;
    if (target[2].number == -1) return rests == 0;
    eki_shape all = eki_shape_of(x->rank - 1, x->dims + 1);
    all.dims[0] = within;
    return eki_shape_count(&all, &elements) && elements == target[2].number;
}

bool eki_match_ungroup(eki_finder *f, eki_node *reshape, eki_value *x) {
    entry target[EKI_CONSTANT_LIST];
    int count, rests = 0;
    const eki_shape *shape = eki_extents(f, x);
    if (!eki_is_op(reshape, EKI_OP_Reshape) || reshape->n_in != 2 || reshape->in[1] == NULL) return false;
    if (eki_node_int(reshape, "allowzero", 0) != 0) return false;
    if (is_shape_of(reshape->in[1], x)) return true;
    if (!read_target(f, reshape->in[1], x, target, &count) || count != shape->rank) return false;
    bool same = is_batch(&target[0], shape, &rests);
    for (int i = 1; same && i < count; i++) same = is_extent(&target[i], shape, i, &rests);
    return same;
}

/* Shape(x) that only the Reshape back reads belongs to the norm, whose x may be within a greater one. */
static void take_shape(eki_finder *f, eki_site *site) {
    const eki_node *back = site->y->producer;
    eki_node *shape = eki_maker(back->in[1], EKI_OP_Shape);
    if (shape != NULL && eki_reader(f, shape->out[0]) == back) (void)eki_site_take(f, site, shape);
}

bool eki_groups_kind(eki_finder *f, eki_site *site, int64_t groups, eki_spelling spelling) {
    const eki_shape *x = eki_extents(f, site->x);
    take_shape(f, site);
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

bool eki_all_are(const eki_finder *f, const eki_value *value, int64_t count, double number) {
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
    if (!eki_all_are(f, node->in[1], groups, 1) || !eki_all_are(f, node->in[2], groups, 0)) return false;
    if (!eki_site_take(f, site, in) || !eki_site_take(f, site, node) || !eki_site_take(f, site, back)) return false;
    site->x = in->in[0];
    site->y = back->out[0];
    eki_epsilon_attribute(node, 1e-5F, site);
    return eki_groups_kind(f, site, groups, EKI_SPELL_RESHAPED) && eki_site_closed(f, site);
}
