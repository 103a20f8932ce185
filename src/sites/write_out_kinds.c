/* write_out_kinds.c: what each kind of norm is, node by node.
 *
 *     layer     mean, x - mean, its square, the mean of that, + epsilon, root, quotient, scale, bias
 *     rms       the same without the mean
 *     instance  layer over space, with scale and bias per channel
 *     group     Reshape [0,G,-1], InstanceNormalization (ones, zeros), Reshape to Shape(x), scale and bias per channel:
 *               instance norm of groups (Wu and He 2018, section 3.1)
 *     mean-variance  layer with epsilon outside the root, without scale and bias
 *
 * Half precision is cast to float32 before the squares, where it would overflow, and back before scale and bias.
 */
#include "sites/write_out.h"

enum { EPSILON_INSIDE, EPSILON_OUTSIDE };

/* d / sqrt(mean(d d) + epsilon), or d / (sqrt(mean(d d)) + epsilon). */
static ek_status divide(eki_writer *w, eki_value *d, int where, eki_value **out) {
    eki_value *squares, *variance, *epsilon, *root;
    eki_shape scalar = {.rank = 0};
    EKI_TRY(eki_write_op(w, EKI_OP_Mul, "squares", d, d, &squares));
    EKI_TRY(eki_write_mean(w, "variance", squares, &variance));
    EKI_TRY(eki_write_floats(w, "epsilon", w->inner, &scalar, &w->site->epsilon, 1, &epsilon));
    if (where == EPSILON_INSIDE) EKI_TRY(eki_write_op(w, EKI_OP_Add, "above_zero", variance, epsilon, &variance));
    EKI_TRY(eki_write_op(w, EKI_OP_Sqrt, "deviation", variance, NULL, &root));
    if (where == EPSILON_OUTSIDE) EKI_TRY(eki_write_op(w, EKI_OP_Add, "above_zero", root, epsilon, &root));
    EKI_TRY(eki_write_op(w, EKI_OP_Div, "normalized", d, root, out));
    return eki_write_cast(w, "narrow", w->inner, w->type, out);
}

static ek_status normalize(eki_writer *w, eki_value *x, bool centred, int where, eki_value **out) {
    eki_value *mean;
    EKI_TRY(eki_write_cast(w, "wide", w->type, w->inner, &x));
    if (centred) {
        EKI_TRY(eki_write_mean(w, "mean", x, &mean));
        EKI_TRY(eki_write_op(w, EKI_OP_Sub, "centred", x, mean, &x));
    }
    return divide(w, x, where, out);
}

static ek_status rows(eki_writer *w, eki_value *x, bool centred, eki_value **out) {
    eki_value *scale, *bias;
    EKI_TRY(normalize(w, x, centred, EPSILON_INSIDE, out));
    EKI_TRY(eki_write_parameter(w, EKI_SCALE, &scale));
    EKI_TRY(eki_write_parameter(w, EKI_BIAS, &bias));
    return eki_write_affine(w, scale, bias, out);
}

ek_status eki_write_layer(eki_writer *w, eki_value *x, eki_value **out) { return rows(w, x, true, out); }

ek_status eki_write_rms(eki_writer *w, eki_value *x, eki_value **out) { return rows(w, x, false, out); }

static ek_status per_channel(eki_writer *w, eki_value **value) {
    eki_value *scale, *bias;
    EKI_TRY(eki_write_channels(w, EKI_SCALE, &scale));
    EKI_TRY(eki_write_channels(w, EKI_BIAS, &bias));
    return eki_write_affine(w, scale, bias, value);
}

ek_status eki_write_instance(eki_writer *w, eki_value *x, eki_value **out) {
    EKI_TRY(normalize(w, x, true, EPSILON_INSIDE, out));
    return per_channel(w, out);
}

/* An axis moved from `from` to `to`; the others keep their order. */
static ek_status move_axis(eki_writer *w, const char *suffix, int from, int to, eki_value **value) {
    int64_t order[EKI_MAX_RANK];
    int rank = w->site->rank, next = 0;
    for (int i = 0; i < rank; i++) {
        if (next == from) next++;
        order[i] = i == to ? from : next++;
    }
    EKI_TRY(eki_write_op(w, EKI_OP_Transpose, suffix, *value, NULL, value));
    return eki_node_set_ints(w->graph, (*value)->producer, "perm", order, (size_t)rank, w->err);
}

static ek_status swish(eki_writer *w, eki_value **value) {
    eki_value *gate;
    EKI_TRY(eki_write_op(w, EKI_OP_Sigmoid, "gate", *value, NULL, &gate));
    return eki_write_op(w, EKI_OP_Mul, "swish", *value, gate, value);
}

/* The instance norm of groups, in the type of the moments. */
static ek_status normalize_groups(eki_writer *w, eki_value *x, eki_value **out) {
    const eki_site *site = w->site;
    int64_t target[3] = {0, site->groups, -1};
    const double one = 1, zero = 0;
    eki_shape per_group = eki_shape_of(1, &site->groups);
    eki_value *shape, *to, *in[3], *normalized;
    EKI_TRY(eki_write_ints(w, "groups", target, 3, &to));
    EKI_TRY(eki_write_floats(w, "ones", w->inner, &per_group, &one, 1, &in[1]));
    EKI_TRY(eki_write_floats(w, "zeros", w->inner, &per_group, &zero, 1, &in[2]));
    EKI_TRY(eki_write_op(w, EKI_OP_Shape, "shape", x, NULL, &shape));
    EKI_TRY(eki_write_op(w, EKI_OP_Reshape, "grouped", x, to, &in[0]));
    EKI_TRY(eki_write_instance_of(w, in, &normalized));
    return eki_write_op(w, EKI_OP_Reshape, "ungrouped", normalized, shape, out);
}

ek_status eki_write_group(eki_writer *w, eki_value *x, eki_value **out) {
    const eki_site *site = w->site;
    int last = site->rank - 1;
    EKI_TRY(eki_write_cast(w, "wide", w->type, w->inner, &x));
    if (site->channels_last) EKI_TRY(move_axis(w, "channels_first", last, 1, &x));
    EKI_TRY(normalize_groups(w, x, out));
    EKI_TRY(eki_write_cast(w, "narrow", w->inner, w->type, out));
    EKI_TRY(per_channel(w, out));
    if (site->channels_last) EKI_TRY(move_axis(w, "channels_last", 1, last, out));
    return site->swish ? swish(w, out) : EK_OK;
}

ek_status eki_write_mean_variance(eki_writer *w, eki_value *x, eki_value **out) {
    return normalize(w, x, true, EPSILON_OUTSIDE, out);
}
