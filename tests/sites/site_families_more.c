/* site_families_more.c: operators, groups between Reshapes, arithmetic per channel, other domains, branches. */
#include "site_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OK(call) assert_int_equal(call, EK_OK)

static void start(maker *m, eki_site_kind kind, eki_spelling spelling, int rank, unsigned axes, int channel_axis) {
    int64_t dims[SPEC_RANK];
    for (int i = 0; i < rank; i++) dims[i] = 2 + draw(m, 4);
    dims[rank > 1 ? 1 : 0] = 6;
    if (channel_axis > 1) dims[channel_axis] = 6;
    set_shape(m, rank, dims);
    m->c->spec.kind = kind;
    m->c->spelling = spelling;
    m->c->spec.axes = axes;
    m->c->spec.channel_axis = channel_axis;
    m->c->spec.epsilon = (double)(draw(m, 2) == 0 ? 1e-5F : 1e-3F);
    make_input(m);
}

static void at_opset(maker *m, int64_t opset) {
    m->opset = opset;
    OK(eki_graph_add_opset(m->graph, "", opset, NULL));
}

/* [C], its numbers kept as the role's. */
static eki_value *vector(maker *m, eki_role role, double low, double high) {
    double numbers[SPEC_ELEMENTS];
    int64_t channels = m->c->spec.dims[m->c->spec.channel_axis];
    eki_shape shape = eki_shape_of(1, &channels);
    eki_value *p = make_parameter(m, 1, &channels, low, high, numbers);
    spec_parameter(&m->c->spec, role, numbers, &shape, m->c->spec.channel_axis);
    return p;
}

static eki_value *filled(maker *m, int64_t count, double number) {
    eki_value *p = make_tensor(m, 1, &count, number, number, NULL);
    return draw(m, 2) == 0 ? make_op(m, EKI_OP_Identity, p, NULL) : p;
}

static void set_epsilon(maker *m, eki_node *node) {
    if (m->c->spec.epsilon != (double)1e-5F || draw(m, 2) == 0) {
        OK(eki_node_set_float(m->graph, node, "epsilon", (float)m->c->spec.epsilon, NULL));
    }
}

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

static eki_value *to_groups(maker *m, int64_t groups, bool spread) {
    const int64_t *dims = m->c->spec.dims;
    bool open = m->x->shape.dims[0] < 0;
    int64_t target[SPEC_RANK + 1] = {open || draw(m, 2) == 0 ? 0 : dims[0], groups, -1};
    int count = 3;
    if (spread) {
        target[2] = dims[1] / groups;
        for (int i = 2; i < m->c->spec.rank; i++) target[i + 1] = dims[i];
        count = m->c->spec.rank + 1;
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
    start(m, EKI_SITE_GROUP, EKI_SPELL_RESHAPED, 3 + draw(m, 3), 0, 1);
    m->c->spec.groups = choices[draw(m, 4)];
    int64_t sets = m->twin == TWIN_SHAPE ? m->c->spec.dims[0] : m->c->spec.groups;
    bool ones = !differs(m, TWIN_CONSTANT);
    eki_value *in[3] = {to_groups(m, m->c->spec.groups, false), filled(m, sets, ones ? 1 : 0.5), filled(m, sets, 0)},
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
    start(m, EKI_SITE_GROUP, EKI_SPELL_GROUPED_MOMENTS, 3 + draw(m, 2), 0, 1);
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
    start(m, EKI_SITE_AFFINE, EKI_SPELL_PER_CHANNEL, 4, 0, 1);
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
    start(m, EKI_SITE_AFFINE, EKI_SPELL_PER_CHANNEL, 4, 0, 1);
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
    start(m, EKI_SITE_AFFINE, EKI_SPELL_PER_CHANNEL, rank, 0, rank - 1);
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
    start(m, EKI_SITE_AFFINE, EKI_SPELL_PER_CHANNEL, 4, 0, 1);
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

/* ---- operators ---- */

static eki_node *batch_node(maker *m, eki_value *x, eki_value **y) {
    eki_value *in[5] = {x, vector(m, EKI_SCALE, 0.5, 1.5), vector(m, EKI_BIAS, -1, 1), vector(m, EKI_MEAN, -1, 1),
                        vector(m, EKI_VARIANCE, 0.5, 2)};
    eki_node *node = make_node(m, EKI_OP_BatchNormalization, in, 5, y);
    set_epsilon(m, node);
    return node;
}

void site_batch_operator(maker *m) {
    eki_value *y = NULL;
    int rank = 2 + draw(m, 3);
    start(m, EKI_SITE_BATCH, EKI_SPELL_OPERATOR, rank, 0, 1);
    (void)batch_node(m, m->x, &y);
    finish(m, y);
}

void site_batch_old(maker *m) {
    eki_value *y = NULL;
    at_opset(m, 6);
    start(m, EKI_SITE_BATCH, EKI_SPELL_OPERATOR, 4, 0, 1);
    eki_node *node = batch_node(m, m->x, &y);
    OK(eki_node_set_int(m->graph, node, "is_test", 1, NULL));
    OK(eki_node_set_int(m->graph, node, "spatial", 1, NULL));
    finish(m, y);
}

void site_instance_operator(maker *m) {
    int rank = 3 + draw(m, 2);
    unsigned axes = 0;
    for (int i = 2; i < rank; i++) axes |= 1U << i;
    start(m, EKI_SITE_INSTANCE, EKI_SPELL_OPERATOR, rank, axes, 1);
    eki_value *in[3] = {m->x, vector(m, EKI_SCALE, 0.5, 1.5), vector(m, EKI_BIAS, -1, 1)}, *y = NULL;
    set_epsilon(m, make_node(m, EKI_OP_InstanceNormalization, in, 3, &y));
    finish(m, y);
}

void site_group_operator(maker *m) {
    bool old = draw(m, 2) == 0;
    double numbers[SPEC_ELEMENTS], wide[SPEC_ELEMENTS];
    at_opset(m, old ? 18 : 21);
    start(m, EKI_SITE_GROUP, EKI_SPELL_OPERATOR, 4, 0, 1);
    int64_t groups = 2 + draw(m, 2), channels = 6;
    eki_shape shape = eki_shape_of(1, &channels);
    m->c->spec.groups = groups;
    eki_value *in[3] = {m->x}, *y = NULL;
    for (int role = EKI_SCALE; role <= EKI_BIAS; role++) {
        in[1 + role] = make_parameter(m, 1, old ? &groups : &channels, 0.5, 1.5, numbers);
        for (int c = 0; c < 6; c++) wide[c] = numbers[old ? c / (6 / groups) : c];
        spec_parameter(&m->c->spec, (eki_role)role, wide, &shape, 1);
    }
    eki_node *node = make_node(m, EKI_OP_GroupNormalization, in, 3, &y);
    OK(eki_node_set_int(m->graph, node, "num_groups", groups, NULL));
    set_epsilon(m, node);
    finish(m, y);
}

static void row_parameters(maker *m, eki_value *in[3], int first, bool bias) {
    double numbers[SPEC_ELEMENTS];
    int rank = m->c->spec.rank - first;
    eki_shape shape = eki_shape_of(rank, m->c->spec.dims + first);
    for (int role = EKI_SCALE; role <= (bias ? EKI_BIAS : EKI_SCALE); role++) {
        in[1 + role] = make_parameter(m, rank, shape.dims, 0.5, 1.5, numbers);
        spec_parameter(&m->c->spec, (eki_role)role, numbers, &shape, -1);
    }
}

void site_rows_operator(maker *m) {
    bool centred = draw(m, 2) == 0, bias = centred && draw(m, 2) == 0;
    int rank = 2 + draw(m, 3), first = 1 + draw(m, rank - 1);
    unsigned axes = 0;
    for (int i = first; i < rank; i++) axes |= 1U << i;
    at_opset(m, centred ? 17 + draw(m, 6) : 23);
    start(m, centred ? EKI_SITE_LAYER : EKI_SITE_RMS, EKI_SPELL_OPERATOR, rank, axes, -1);
    eki_value *in[3] = {m->x}, *y = NULL;
    row_parameters(m, in, first, bias);
    eki_node *node = make_node(m, centred ? EKI_OP_LayerNormalization : EKI_OP_RMSNormalization, in, bias ? 3 : 2, &y);
    OK(eki_node_set_int(m->graph, node, "axis", draw(m, 2) == 0 ? first : first - rank, NULL));
    set_epsilon(m, node);
    finish(m, y);
}

void site_mean_variance(maker *m) {
    int64_t axes[2] = {2, 3};
    bool own = draw(m, 2) == 0;
    start(m, EKI_SITE_MEAN_VARIANCE, EKI_SPELL_OPERATOR, 4, own ? 0xC : 0xD, -1);
    m->c->spec.epsilon = 1e-9;
    eki_value *y = NULL;
    eki_node *node = make_node(m, EKI_OP_MeanVarianceNormalization, &m->x, 1, &y);
    if (own) OK(eki_node_set_ints(m->graph, node, "axes", axes, 2, NULL));
    finish(m, y);
}

void site_lp(maker *m) {
    int rank = 2 + draw(m, 2), axis = draw(m, rank);
    start(m, EKI_SITE_LP, EKI_SPELL_OPERATOR, rank, 1U << axis, -1);
    m->c->spec.epsilon = 0;
    m->c->spec.p = 1 + draw(m, 2);
    eki_value *y = NULL;
    eki_node *node = make_node(m, EKI_OP_LpNormalization, &m->x, 1, &y);
    OK(eki_node_set_int(m->graph, node, "axis", axis, NULL));
    OK(eki_node_set_int(m->graph, node, "p", m->c->spec.p, NULL));
    finish(m, y);
}

static eki_value *turn(maker *m, eki_value *x, const int64_t *perm) {
    eki_value *y = NULL;
    eki_node *node = make_node(m, EKI_OP_Transpose, &x, 1, &y);
    OK(eki_node_set_ints(m->graph, node, "perm", perm, 4, NULL));
    return y;
}

void site_transposed(maker *m) {
    static const int64_t first[4] = {0, 3, 1, 2}, last[4] = {0, 2, 3, 1};
    bool batch = draw(m, 2) == 0;
    start(m, batch ? EKI_SITE_BATCH : EKI_SITE_INSTANCE, EKI_SPELL_OPERATOR, 4, batch ? 0 : 6, 3);
    m->c->channels_last = true;
    eki_value *y = NULL, *x = turn(m, m->x, first);
    if (batch) {
        (void)batch_node(m, x, &y);
    } else {
        eki_value *in[3] = {x, vector(m, EKI_SCALE, 0.5, 1.5), vector(m, EKI_BIAS, -1, 1)};
        set_epsilon(m, make_node(m, EKI_OP_InstanceNormalization, in, 3, &y));
    }
    finish(m, turn(m, y, last));
}

/* ---- other domains ---- */

static eki_node *foreign(maker *m, const char *op, const char *domain, eki_value *const *in, int n_in, eki_value **y) {
    eki_node *node;
    *y = make_value(m);
    m->c->contrib = true;
    m->c->spelling = EKI_SPELL_CONTRIB;
    if (differs(m, TWIN_CONSTANT)) domain = "com.acme";
    if (domain[0] != '\0') OK(eki_graph_add_opset(m->graph, domain, 1, NULL));
    OK(eki_graph_add_node(m->graph, op, domain, "", in, n_in, y, 1, &node, NULL));
    return node;
}

void site_contrib_rows(maker *m) {
    int form = draw(m, 2);
    bool centred = form == 0;
    int rank = 2 + draw(m, 2);
    at_opset(m, centred ? 11 + draw(m, 5) : m->opset);
    start(m, centred ? EKI_SITE_LAYER : EKI_SITE_RMS, EKI_SPELL_CONTRIB, rank, 1U << (rank - 1), -1);
    eki_value *in[3] = {m->x}, *y;
    row_parameters(m, in, rank - 1, centred);
    eki_node *node =
        foreign(m, centred ? "LayerNormalization" : "SimplifiedLayerNormalization", "", in, centred ? 3 : 2, &y);
    OK(eki_node_set_int(m->graph, node, "axis", -1, NULL));
    OK(eki_node_set_float(m->graph, node, "epsilon", (float)m->c->spec.epsilon, NULL));
    finish(m, y);
}

void site_contrib_skip(maker *m) {
    bool centred = draw(m, 2) == 0;
    start(m, centred ? EKI_SITE_LAYER : EKI_SITE_RMS, EKI_SPELL_CONTRIB, 3, 1U << 2, -1);
    eki_value *rows[3] = {m->x}, *in[4], *y, *skip;
    row_parameters(m, rows, 2, centred);
    OK(eki_graph_value(m->graph, "skip", &skip, NULL));
    skip->dtype = EK_F32;
    skip->shape = m->x->shape; /* its batch may be open, too */
    skip->declared = true;
    OK(eki_graph_add_input(m->graph, skip, NULL));
    m->c->has_skip = true;
    for (int64_t i = 0; i < spec_count(&m->c->spec); i++) {
        m->c->skip[i] = (double)(float)eki_random_normal(m->random, m->drawn++);
    }
    in[0] = m->x;
    in[1] = skip;
    in[2] = rows[1];
    in[3] = rows[2];
    eki_node *node = foreign(m, centred ? "SkipLayerNormalization" : "SkipSimplifiedLayerNormalization",
                             "com.microsoft", in, centred ? 4 : 3, &y);
    OK(eki_node_set_float(m->graph, node, "epsilon", (float)m->c->spec.epsilon, NULL));
    finish(m, y);
}

void site_contrib_group(maker *m) {
    start(m, EKI_SITE_GROUP, EKI_SPELL_CONTRIB, 4, 0, 3);
    m->c->channels_last = true;
    m->c->spec.groups = 2 + draw(m, 2);
    m->c->spec.swish = draw(m, 2) == 0;
    eki_value *in[3] = {m->x, vector(m, EKI_SCALE, 0.5, 1.5), vector(m, EKI_BIAS, -1, 1)}, *y;
    eki_node *node = foreign(m, "GroupNorm", "com.microsoft", in, 3, &y);
    OK(eki_node_set_int(m->graph, node, "groups", m->c->spec.groups, NULL));
    OK(eki_node_set_int(m->graph, node, "activation", m->c->spec.swish, NULL));
    OK(eki_node_set_int(m->graph, node, "channels_last", 1, NULL));
    OK(eki_node_set_float(m->graph, node, "epsilon", (float)m->c->spec.epsilon, NULL));
    finish(m, y);
}

/* ---- a branch of If that reads x, and perhaps its parameters, of the graph around ---- */

static eki_graph *branch(maker *m, eki_node *owner, const char *name) {
    eki_graph *child;
    eki_attr *attr;
    OK(eki_graph_add_child(m->graph, &child, NULL));
    OK(eki_node_attr_slot(m->graph, owner, name, &attr, NULL));
    attr->type = EKI_ATTR_GRAPHS;
    attr->count = 1;
    attr->graphs = eki_arena_memdup(&m->graph->arena, &child, sizeof(eki_graph *));
    child->owner = owner;
    child->name = name;
    return child;
}

void site_in_branch(maker *m) {
    eki_shape scalar = {.rank = 0};
    eki_value *condition, *y = NULL, *other = NULL, *result = NULL;
    start(m, EKI_SITE_LAYER, EKI_SPELL_MOMENTS, 3, 1U << 2, -1);
    m->c->contrib = true; /* the engine has no If */
    OK(eki_graph_add_tensor(m->graph, "yes", EK_BOOL, &scalar, &condition, NULL));
    *(uint8_t *)condition->init->data = 1;
    eki_graph *outer = m->graph;
    eki_node *node = make_node(m, EKI_OP_If, &condition, 1, &result);
    node->name = "choose";
    eki_graph *yes = branch(m, node, "then_branch"), *no = branch(m, node, "else_branch");
    m->graph = yes;
    OK(eki_graph_value(yes, "x", &m->x, NULL));
    y = site_normalize(m, m->x, 1U << 2);
    y = site_affine(m, y, 1, m->c->spec.dims + 2, -1, true);
    y->dtype = EK_F32;
    y->shape = eki_shape_of(3, m->c->spec.dims);
    y->declared = true;
    y->producer->name = "ln";
    m->c->path = "choose/then_branch/ln";
    OK(eki_graph_add_output(yes, y, NULL));
    if (m->n_middle > 0 && (m->twin == TWIN_READ || m->twin == TWIN_OUTPUT)) { /* no second output: both must agree */
        m->twin = TWIN_NONE;
    }
    m->graph = no;
    eki_value *x;
    OK(eki_graph_value(no, "x", &x, NULL));
    other = make_op(m, EKI_OP_Relu, x, NULL);
    other->dtype = EK_F32;
    other->shape = y->shape;
    other->declared = true;
    OK(eki_graph_add_output(no, other, NULL));
    m->graph = outer;
    m->n_middle = 0;
    finish(m, result);
}
