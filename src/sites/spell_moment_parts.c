/* spell_moment_parts.c: means, squares, roots and epsilon, in the ways that exporters write them. */
#include "sites/spell.h"

#include <math.h>

static bool read_list(void *context, const eki_value *value, int64_t *list, int *count) {
    const eki_finder *f = context;
    return eki_constant_list(f->constants, value, list, count);
}

/* Sorts axes of a tensor of this rank (-1 = not known: then all must be counted from the end). */
static bool settle_axes(const int64_t *list, int count, int rank, eki_axes *axes) {
    axes->rank = rank;
    axes->count = count;
    if (count < 1 || count > EKI_MAX_RANK) return false;
    for (int i = 0; i < count; i++) {
        int64_t axis = rank >= 0 && list[i] < 0 ? list[i] + rank : list[i];
        if (rank >= 0 ? axis < 0 || axis >= rank : axis >= 0 || axis < -EKI_MAX_RANK) return false;
        int at = i;
        for (; at > 0 && axes->at[at - 1] > axis; at--) axes->at[at] = axes->at[at - 1];
        axes->at[at] = (int)axis;
    }
    for (int i = 1; i < count; i++) {
        if (axes->at[i] == axes->at[i - 1]) return false;
    }
    return true;
}

static bool reduction_axes(const eki_finder *f, const eki_node *node, eki_axes *axes) {
    int64_t list[EKI_CONSTANT_LIST];
    int count = 0, rank = eki_extents(f, node->in[0])->rank;
    if (eki_node_int(node, "keepdims", 1) != 1) return false;
    if (eki_node_list(node, "axes", 1, read_list, (void *)(uintptr_t)f, list, &count) && count > 0) {
        return settle_axes(list, count, rank, axes);
    }
    if (rank < 1 || (node->n_in > 1 && node->in[1] != NULL) || eki_node_attr(node, "axes") != NULL) return false;
    if (eki_node_int(node, "noop_with_empty_axes", 0) != 0) return false;
    for (int i = 0; i < rank; i++) list[i] = i; /* all of them */
    return settle_axes(list, rank, rank, axes);
}

static bool spatial_axes(int rank, eki_axes *axes) {
    int64_t list[EKI_MAX_RANK];
    if (rank < 3) return false;
    for (int i = 2; i < rank; i++) list[i - 2] = i;
    return settle_axes(list, rank - 2, rank, axes);
}

/* How many elements the axes have; 0 = not known. */
static int64_t elements(const eki_shape *shape, const eki_axes *axes) {
    int64_t count = 1;
    if (axes->rank < 0) return 0;
    for (int i = 0; i < axes->count; i++) {
        if (shape->dims[axes->at[i]] < 1 || !eki_mul_i64(count, shape->dims[axes->at[i]], &count)) return 0;
    }
    return count;
}

/* A sum that this operator makes, divided by the number of elements or multiplied by its inverse. */
static eki_node *divided_sum(const eki_finder *f, const eki_node *node, eki_opcode op, eki_axes *axes) {
    bool divided = eki_is_binary(node, EKI_OP_Div);
    if (!divided && !eki_is_binary(node, EKI_OP_Mul)) return NULL;
    for (int k = 0; k < (divided ? 1 : 2); k++) {
        eki_node *sum = eki_maker(node->in[k], op);
        double number;
        if (sum == NULL || sum->in[0] == NULL || !reduction_axes(f, sum, axes)) continue;
        int64_t count = elements(eki_extents(f, sum->in[0]), axes);
        if (count < 1 || !eki_constant_scalar(f->constants, node->in[1 - k], &number)) continue;
        double wanted = divided ? (double)count : 1 / (double)count;
        if (fabs(number - wanted) <= 1e-7 * wanted) return sum;
    }
    return NULL;
}

bool eki_match_mean(eki_finder *f, eki_site *site, eki_value *value, eki_value **of, eki_axes *axes) {
    value = eki_uncast(f, site, value);
    if (value == NULL || value->producer == NULL || value->producer->n_in < 1) return false;
    eki_node *node = value->producer, *reduce = node;
    if (node->in[0] == NULL || value->producer_output != 0) return false;
    if (node->op == EKI_OP_ReduceMean) {
        if (!reduction_axes(f, node, axes)) return false;
    } else if (node->op == EKI_OP_GlobalAveragePool) {
        if (!spatial_axes(eki_extents(f, node->in[0])->rank, axes)) return false;
    } else {
        reduce = divided_sum(f, node, EKI_OP_ReduceSum, axes);
        if (reduce == NULL) return false;
    }
    *of = reduce->in[0];
    return eki_site_take(f, site, node) && eki_site_take(f, site, reduce);
}

/* A sum of squares by one operator, divided by the number of elements. */
static bool match_divided_squares(eki_finder *f, eki_site *site, eki_value *value, eki_value **of, eki_axes *axes) {
    value = eki_uncast(f, site, value);
    eki_node *node = value == NULL || value->producer_output != 0 ? NULL : value->producer;
    eki_node *sum = node == NULL ? NULL : divided_sum(f, node, EKI_OP_ReduceSumSquare, axes);
    if (sum == NULL) return false;
    *of = sum->in[0];
    return eki_site_take(f, site, node) && eki_site_take(f, site, sum);
}

bool eki_match_mean_square(eki_finder *f, eki_site *site, eki_value *value, eki_value **of, eki_axes *axes) {
    eki_site before = *site;
    eki_value *squares;
    if (match_divided_squares(f, site, value, of, axes)) return true;
    *site = before;
    return eki_match_mean(f, site, value, &squares, axes) && eki_match_square(f, site, squares, of);
}

bool eki_match_square(eki_finder *f, eki_site *site, eki_value *value, eki_value **of) {
    value = eki_uncast(f, site, value);
    eki_node *node = value == NULL ? NULL : value->producer;
    if (node == NULL || node->n_in != 2 || node->in[0] == NULL) return false;
    *of = node->in[0];
    bool square = eki_is_binary(node, EKI_OP_Mul) && node->in[1] == node->in[0];
    square = square || (eki_is_binary(node, EKI_OP_Pow) && eki_scalar_is(f, node->in[1], 2));
    return square && eki_site_take(f, site, node);
}

/* The base of a power with this exponent. */
static eki_value *power(const eki_finder *f, const eki_value *value, double exponent) {
    eki_node *node = eki_maker(value, EKI_OP_Pow);
    return eki_is_binary(node, EKI_OP_Pow) && eki_scalar_is(f, node->in[1], exponent) ? node->in[0] : NULL;
}

static bool match_plain_root(eki_finder *f, eki_site *site, eki_value *value, eki_value **of) {
    value = eki_uncast(f, site, value);
    if (value == NULL || value->producer == NULL) return false;
    eki_node *root = eki_maker(value, EKI_OP_Sqrt);
    *of = root != NULL && root->n_in == 1 ? root->in[0] : power(f, value, 0.5);
    return *of != NULL && eki_site_take(f, site, value->producer);
}

bool eki_match_root(eki_finder *f, eki_site *site, eki_value *value, bool inverse, eki_value **of) {
    if (!inverse) return match_plain_root(f, site, value, of);
    value = eki_uncast(f, site, value);
    if (value == NULL || value->producer == NULL) return false;
    eki_node *node = value->producer, *reciprocal = eki_maker(value, EKI_OP_Reciprocal);
    *of = power(f, value, -0.5);
    if (!eki_site_take(f, site, node)) return false;
    if (*of != NULL) return true;
    if (reciprocal != NULL && reciprocal->n_in == 1) {
        /* of the root, or the root of it */
        return reciprocal->in[0] != NULL && match_plain_root(f, site, reciprocal->in[0], of);
    }
    if (eki_is_binary(node, EKI_OP_Div)) {
        return eki_scalar_is(f, node->in[0], 1) && match_plain_root(f, site, node->in[1], of);
    }
    eki_node *root = eki_maker(value, EKI_OP_Sqrt);
    reciprocal = root != NULL && root->n_in == 1 ? eki_maker(root->in[0], EKI_OP_Reciprocal) : NULL;
    if (reciprocal == NULL || reciprocal->n_in != 1 || reciprocal->in[0] == NULL) return false;
    *of = reciprocal->in[0];
    return eki_site_take(f, site, reciprocal);
}

bool eki_match_epsilon(eki_finder *f, eki_site *site, eki_value *value, eki_value **variance) {
    value = eki_uncast(f, site, value);
    if (value == NULL) return false;
    eki_node *add = eki_maker(value, EKI_OP_Add);
    *variance = value;
    site->epsilon = 0;
    site->epsilon_source = EKI_EPSILON_NONE;
    if (!eki_is_binary(add, EKI_OP_Add)) return true;
    int at = eki_constant_scalar(f->constants, add->in[1], &site->epsilon) ? 1 : 0;
    if (at == 0 && !eki_constant_scalar(f->constants, add->in[0], &site->epsilon)) return false;
    *variance = add->in[1 - at];
    site->epsilon_value = add->in[at];
    site->epsilon_source = EKI_EPSILON_VALUE;
    return site->epsilon >= 0 && isfinite(site->epsilon) && eki_site_take(f, site, add);
}

bool eki_axes_equal(const eki_axes *a, const eki_axes *b) {
    if (a->count != b->count || a->rank != b->rank) return false;
    for (int i = 0; i < a->count; i++) {
        if (a->at[i] != b->at[i]) return false;
    }
    return true;
}

bool eki_axes_last(const eki_axes *axes, int *first) {
    int end = axes->rank < 0 ? 0 : axes->rank;
    *first = axes->at[0];
    for (int i = 0; i < axes->count; i++) {
        if (axes->at[i] != end - axes->count + i) return false;
    }
    return true;
}

unsigned eki_axes_set(const eki_axes *axes) {
    unsigned set = 0;
    for (int i = 0; axes->rank >= 0 && i < axes->count; i++) set |= 1U << axes->at[i];
    return set;
}
