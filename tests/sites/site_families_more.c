/* site_families_more.c: groups between Reshapes, weights by way of a norm, arithmetic per channel. */
#include "site_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OK(call) assert_int_equal(call, EK_OK)

/* ---- groups ---- */

/* A target whose first extent is read when the graph runs, as PyTorch writes it. */
static eki_value *read_batch(maker *m, const int64_t *target, int count) {
    int64_t first = 0;
    eki_node *concat;
    eki_value *shape = make_op(m, EKI_OP_Shape, m->x, NULL), *in[2], *out = NULL, *extent;
    extent = make_op(m, EKI_OP_Gather, shape, make_ints(m, &first, 1));
    in[0] = extent;
    in[1] = make_ints(m, target + 1, count - 1);
    concat = make_node(m, EKI_OP_Concat, in, 2, &out);
    OK(eki_node_set_int(m->graph, concat, "axis", 0, NULL));
    return out;
}

static eki_value *one_int(maker *m, int64_t number) { return make_ints(m, &number, 1); }

/* The channels of a group, divided when the graph runs: PyTorch of x.view(n, groups, c // groups, ...). */
static eki_value *divided_target(maker *m, const int64_t *target, int count) {
    eki_value *shape = make_op(m, EKI_OP_Shape, m->x, NULL), *in[4], *out = NULL, *within;
    in[0] = make_op(m, EKI_OP_Gather, shape, one_int(m, 0));
    in[1] = one_int(m, target[1]);
    within = make_op(m, EKI_OP_Div, make_op(m, EKI_OP_Gather, shape, one_int(m, 1)), one_int(m, target[1]));
    in[2] = make_op(m, EKI_OP_Cast, within, NULL);
    OK(eki_node_set_int(m->graph, in[2]->producer, "to", EK_I64, NULL));
    in[3] = make_ints(m, target + 3, count - 3);
    OK(eki_node_set_int(m->graph, make_node(m, EKI_OP_Concat, in, 4, &out), "axis", 0, NULL));
    return out;
}

static eki_value *to_groups(maker *m, int64_t groups, bool spread) {
    const int64_t *dims = m->c->spec.dims;
    bool open = m->x->shape.dims[0] < 0;
    int64_t target[SPEC_RANK + 1] = {open || draw(m, 2) == 0 ? 0 : dims[0], groups, -1};
    int count = 3;
    if (spread) {
        target[2] = dims[1] / groups;
        for (int i = 2; i < m->c->spec.rank; i++) target[i + 1] = dims[i];
        count = m->c->spec.rank + 1;
        if (groups < dims[1] && draw(m, 2) == 0)
            return make_middle(m, EKI_OP_Reshape, m->x, divided_target(m, target, count));
    }
    if (!spread && groups != dims[0] && differs(m, TWIN_SHAPE)) { /* sets that mix the examples */
        target[0] = groups;
        target[1] = dims[0];
    }
    bool shape = m->twin != TWIN_SHAPE && draw(m, 3) == 0;
    return make_middle(m, EKI_OP_Reshape, m->x, shape ? read_batch(m, target, count) : make_ints(m, target, count));
}

static eki_value *from_groups(maker *m, eki_value *y) {
    int64_t dims[SPEC_RANK];
    int rank = m->c->spec.rank;
    if (draw(m, 2) == 0) return make_middle(m, EKI_OP_Reshape, y, make_op(m, EKI_OP_Shape, m->x, NULL));
    memcpy(dims, m->c->spec.dims, sizeof dims);
    if (draw(m, 3) == 0) return make_middle(m, EKI_OP_Reshape, y, read_batch(m, dims, rank));
    if (m->x->shape.dims[0] < 0 || draw(m, 2) == 0) dims[0] = -1;
    return make_middle(m, EKI_OP_Reshape, y, make_ints(m, dims, rank));
}

static eki_value *per_channel_affine(maker *m, eki_value *y) {
    int64_t dims[SPEC_RANK];
    int rank = m->c->spec.rank - 1;
    for (int i = 0; i < rank; i++) dims[i] = i == 0 ? m->c->spec.dims[1] : 1;
    return site_affine(m, y, rank, dims, 1, false);
}

void site_group_reshaped(maker *m) {
    static const int64_t choices[] = {1, 2, 3, 6};
    begin_case(m, EKI_SITE_GROUP, EKI_SPELL_RESHAPED, 3 + draw(m, 3), 0, 1);
    m->c->spec.groups = choices[draw(m, 4)];
    int64_t sets = m->twin == TWIN_SHAPE ? m->c->spec.dims[0] : m->c->spec.groups;
    bool ones = !differs(m, TWIN_CONSTANT);
    eki_value *in[3] = {to_groups(m, m->c->spec.groups, false), make_filled(m, sets, ones ? 1 : 0.5),
                        make_filled(m, sets, 0)},
              *y = NULL;
    eki_node *node = make_node(m, EKI_OP_InstanceNormalization, in, 3, &y);
    m->middle[m->n_middle++] = y;
    set_epsilon(m, node);
    y = from_groups(m, y);
    m->n_middle = 2; /* what is behind is a result */
    finish(m, per_channel_affine(m, y));
}

void site_group_moments(maker *m) {
    bool spread = draw(m, 2) == 0;
    begin_case(m, EKI_SITE_GROUP, EKI_SPELL_GROUPED_MOMENTS, 3 + draw(m, 2), 0, 1);
    m->c->spec.groups = draw(m, 2) == 0 ? 2 : 3;
    int rank = m->c->spec.rank, inner = spread || m->twin == TWIN_SHAPE ? rank + 1 : 3;
    eki_value *grouped = to_groups(m, m->c->spec.groups, spread || m->twin == TWIN_SHAPE);
    unsigned axes = 0;
    for (int i = 2; i < inner; i++) axes |= 1U << i;
    m->c->spec.rank = inner; /* that reductions count from */
    eki_value *y = site_normalize(m, grouped, axes);
    m->c->spec.rank = rank;
    /* Where the groups themselves are read elsewhere, an instance norm of them is left. */
    int kept = m->n_middle - 1;
    memmove(m->middle, m->middle + 1, (size_t)kept * sizeof *m->middle);
    y = from_groups(m, y);
    m->n_middle = kept;
    finish(m, per_channel_affine(m, y));
}

/* The weight of a convolution as the channels of one example. */
void site_weight_by_norm(maker *m) {
    double gain[SPEC_ELEMENTS];
    int64_t w[4] = {4 + draw(m, 3), 3, 3, 3}, image[4] = {1, 3, 5, 5}, rows[3] = {1, w[0], -1},
            gains[4] = {w[0], 1, 1, 1};
    bool batch = draw(m, 2) == 0;
    if (batch) at_opset(m, 15);
    set_shape(m, 4, image);
    m->c->bare_weight = true;
    make_input(m);
    set_shape(m, 4, w);
    m->c->engine_only = batch;
    m->c->spec.kind = EKI_SITE_WEIGHT;
    m->c->spelling = EKI_SPELL_RESHAPED;
    m->c->spec.axes = 0xE;
    m->c->spec.channel_axis = 0;
    m->c->spec.epsilon = 1e-3F;
    bool other = m->twin == TWIN_CONSTANT;
    m->twinned = other;
    eki_value *in[5] = {NULL, make_filled(m, w[0], other ? 2 : 1), make_filled(m, w[0], 0), make_filled(m, w[0], 0),
                        make_filled(m, w[0], 1)},
              *y = NULL;
    in[0] = make_op(m, EKI_OP_Reshape, make_tensor(m, 4, w, -1, 1, m->c->x), make_ints(m, rows, 3));
    eki_node *node =
        make_node(m, batch ? EKI_OP_BatchNormalization : EKI_OP_InstanceNormalization, in, batch ? 5 : 3, &y);
    if (batch) OK(eki_node_set_int(m->graph, node, "training_mode", 1, NULL));
    set_epsilon(m, node);
    m->middle[m->n_middle++] = y;
    y = make_op(m, EKI_OP_Reshape, y, make_ints(m, w, 4));
    if (draw(m, 2) == 0) {
        eki_shape shape = eki_shape_of(1, w);
        y = make_op(m, EKI_OP_Mul, y, make_parameter(m, 4, gains, 0.5, 1.5, gain));
        spec_parameter(&m->c->spec, EKI_SCALE, gain, &shape, 0);
    }
    finish(m, y);
    eki_value *conv[2] = {m->x, y}, *out = NULL;
    (void)make_node(m, EKI_OP_Conv, conv, 2, &out);
    out->dtype = EK_F32;
    out->declared = true;
    out->shape = eki_shape_of(4, (int64_t[]){1, w[0], 3, 3});
    OK(eki_graph_add_output(m->graph, out, NULL));
}

/* ---- arithmetic per channel ---- */

static eki_value *spread(maker *m, eki_role role, double low, double high) {
    double numbers[SPEC_ELEMENTS];
    int64_t dims[SPEC_RANK], channels = m->c->spec.dims[1];
    int rank = m->c->spec.rank - 1, place = differs(m, TWIN_SHAPE) ? 1 : 0;
    for (int i = 0; i < rank; i++) dims[i] = i == place ? m->c->spec.dims[1 + place] : 1;
    eki_shape shape = eki_shape_of(1, &channels);
    eki_value *p = make_parameter(m, rank, dims, low, high, numbers);
    if (place == 0) spec_parameter(&m->c->spec, role, numbers, &shape, 1);
    return p;
}

/* Of a twin the factor is one number, so that only a bias is left. */
static eki_value *factor(maker *m, double low, double high) {
    return differs(m, TWIN_CONSTANT) ? make_scalar(m, 0.7) : spread(m, EKI_SCALE, low, high);
}

void site_per_channel(maker *m) {
    begin_case(m, EKI_SITE_AFFINE, EKI_SPELL_PER_CHANNEL, 4, 0, 1);
    /* The data comes from a convolution that changes nothing. */
    int64_t w[4] = {6, 1, 1, 1};
    eki_value *in[2] = {m->x, make_tensor(m, 4, w, 1, 1, NULL)}, *x = NULL;
    eki_node *conv = make_node(m, EKI_OP_Conv, in, 2, &x);
    OK(eki_node_set_int(m->graph, conv, "group", 6, NULL));
    eki_value *y = make_op(m, EKI_OP_Mul, x, factor(m, 0.5, 1.5));
    if (m->twin != TWIN_CONSTANT && draw(m, 3) == 0) {
        finish(m, y);
        return;
    }
    finish(m, make_op(m, EKI_OP_Add, y, spread(m, EKI_BIAS, -1, 1)));
}

void site_preprocess(maker *m) {
    double mean[SPEC_ELEMENTS], deviation[SPEC_ELEMENTS], number[SPEC_ELEMENTS];
    begin_case(m, EKI_SITE_AFFINE, EKI_SPELL_PER_CHANNEL, 4, 0, 1);
    int64_t channels = 6, dims[4] = {1, 6, 1, 1}, rows[4] = {1, 1, m->c->spec.dims[2], 1};
    eki_shape shape = eki_shape_of(1, &channels);
    bool other = differs(m, TWIN_SHAPE);
    eki_value *y = make_middle(m, EKI_OP_Sub, m->x, make_parameter(m, 4, dims, -1, 1, mean));
    y = make_op(m, EKI_OP_Div, y, make_parameter(m, 4, other ? rows : dims, 0.5, 1.5, deviation));
    for (int c = 0; c < 6; c++) number[c] = 1 / deviation[c];
    spec_parameter(&m->c->spec, EKI_SCALE, number, &shape, 1);
    for (int c = 0; c < 6; c++) number[c] *= -mean[c];
    spec_parameter(&m->c->spec, EKI_BIAS, number, &shape, 1);
    finish(m, y);
}

void site_dense(maker *m) {
    double numbers[SPEC_ELEMENTS], w[SPEC_ELEMENTS], out[SPEC_ELEMENTS];
    int64_t units = 6, square[2] = {6, 6};
    int rank = 2 + draw(m, 2);
    begin_case(m, EKI_SITE_AFFINE, EKI_SPELL_PER_CHANNEL, rank, 0, rank - 1);
    m->c->channels_last = rank > 2;
    eki_shape shape = eki_shape_of(1, &units);
    eki_value *y = make_op(m, EKI_OP_MatMul, m->x, make_tensor(m, 2, square, -1, 1, w));
    /* x of the site is what the product makes. */
    for (int64_t i = 0; i < spec_count(&m->c->spec); i++) {
        out[i] = 0;
        for (int k = 0; k < 6; k++) out[i] += m->c->x[i / 6 * 6 + k] * w[k * 6 + i % 6];
    }
    eki_value *first = y;
    if (differs(m, TWIN_CONSTANT)) {
        y = make_op(m, EKI_OP_Mul, y, make_scalar(m, 0.3));
    } else {
        y = make_op(m, EKI_OP_Mul, y, make_parameter(m, 1, &units, 0.5, 1.5, numbers));
        spec_parameter(&m->c->spec, EKI_SCALE, numbers, &shape, rank - 1);
    }
    y = make_op(m, EKI_OP_Add, y, make_parameter(m, 1, &units, -1, 1, numbers));
    spec_parameter(&m->c->spec, EKI_BIAS, numbers, &shape, rank - 1);
    (void)first;
    finish(m, y);
    memcpy(m->c->skip, out, sizeof out); /* kept for the definition */
}

void site_old_broadcast(maker *m) {
    double numbers[SPEC_ELEMENTS];
    int64_t channels = 6, rows;
    eki_shape shape = eki_shape_of(1, &channels);
    at_opset(m, 6);
    begin_case(m, EKI_SITE_AFFINE, EKI_SPELL_PER_CHANNEL, 4, 0, 1);
    rows = m->c->spec.dims[2];
    bool other = differs(m, TWIN_SHAPE);
    eki_value *y = m->x, *in[2];
    for (int role = EKI_SCALE; role <= EKI_BIAS; role++) {
        in[0] = y;
        in[1] = make_tensor(m, 1, other && role == EKI_SCALE ? &rows : &channels, 0.5, 1.5, numbers);
        spec_parameter(&m->c->spec, (eki_role)role, numbers, &shape, 1);
        y = NULL;
        eki_node *node = make_node(m, role == EKI_SCALE ? EKI_OP_Mul : EKI_OP_Add, in, 2, &y);
        OK(eki_node_set_int(m->graph, node, "broadcast", 1, NULL));
        OK(eki_node_set_int(m->graph, node, "axis", other && role == EKI_SCALE ? 2 : 1, NULL));
        if (role == EKI_SCALE) m->middle[m->n_middle++] = y;
    }
    finish(m, y);
}
