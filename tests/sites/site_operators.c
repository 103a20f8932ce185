/* site_operators.c: norm operators, ONNX's and other domains'; a norm in a branch. */
#include "site_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OK(call) assert_int_equal(call, EK_OK)

/* ---- operators ---- */

static eki_node *batch_node(maker *m, eki_value *x, eki_value **y) {
    eki_value *in[5] = {x, make_vector(m, EKI_SCALE, 0.5, 1.5), make_vector(m, EKI_BIAS, -1, 1),
                        make_vector(m, EKI_MEAN, -1, 1), make_vector(m, EKI_VARIANCE, 0.5, 2)};
    eki_node *node = make_node(m, EKI_OP_BatchNormalization, in, 5, y);
    set_epsilon(m, node);
    return node;
}

void site_batch_operator(maker *m) {
    eki_value *y = NULL;
    int rank = 2 + draw(m, 3);
    begin_case(m, EKI_SITE_BATCH, EKI_SPELL_OPERATOR, rank, 0, 1);
    (void)batch_node(m, m->x, &y);
    finish(m, y);
}

void site_batch_old(maker *m) {
    eki_value *y = NULL;
    at_opset(m, 6);
    begin_case(m, EKI_SITE_BATCH, EKI_SPELL_OPERATOR, 4, 0, 1);
    eki_node *node = batch_node(m, m->x, &y);
    OK(eki_node_set_int(m->graph, node, "is_test", 1, NULL));
    OK(eki_node_set_int(m->graph, node, "spatial", 1, NULL));
    finish(m, y);
}

void site_instance_operator(maker *m) {
    int rank = 3 + draw(m, 2);
    unsigned axes = 0;
    for (int i = 2; i < rank; i++) axes |= 1U << i;
    begin_case(m, EKI_SITE_INSTANCE, EKI_SPELL_OPERATOR, rank, axes, 1);
    eki_value *in[3] = {m->x, make_vector(m, EKI_SCALE, 0.5, 1.5), make_vector(m, EKI_BIAS, -1, 1)}, *y = NULL;
    set_epsilon(m, make_node(m, EKI_OP_InstanceNormalization, in, 3, &y));
    finish(m, y);
}

void site_group_operator(maker *m) {
    bool old = draw(m, 2) == 0;
    double numbers[SPEC_ELEMENTS], wide[SPEC_ELEMENTS];
    at_opset(m, old ? 18 : 21);
    begin_case(m, EKI_SITE_GROUP, EKI_SPELL_OPERATOR, 4, 0, 1);
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
    begin_case(m, centred ? EKI_SITE_LAYER : EKI_SITE_RMS, EKI_SPELL_OPERATOR, rank, axes, -1);
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
    begin_case(m, EKI_SITE_MEAN_VARIANCE, EKI_SPELL_OPERATOR, 4, own ? 0xC : 0xD, -1);
    m->c->spec.epsilon = 1e-9;
    eki_value *y = NULL;
    eki_node *node = make_node(m, EKI_OP_MeanVarianceNormalization, &m->x, 1, &y);
    if (own) OK(eki_node_set_ints(m->graph, node, "axes", axes, 2, NULL));
    finish(m, y);
}

void site_lp(maker *m) {
    int rank = 2 + draw(m, 2), axis = draw(m, rank);
    begin_case(m, EKI_SITE_LP, EKI_SPELL_OPERATOR, rank, 1U << axis, -1);
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
    begin_case(m, batch ? EKI_SITE_BATCH : EKI_SITE_INSTANCE, EKI_SPELL_OPERATOR, 4, batch ? 0 : 6, 3);
    m->c->channels_last = true;
    eki_value *y = NULL, *x = turn(m, m->x, first);
    if (batch) {
        (void)batch_node(m, x, &y);
    } else {
        eki_value *in[3] = {x, make_vector(m, EKI_SCALE, 0.5, 1.5), make_vector(m, EKI_BIAS, -1, 1)};
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
    begin_case(m, centred ? EKI_SITE_LAYER : EKI_SITE_RMS, EKI_SPELL_CONTRIB, rank, 1U << (rank - 1), -1);
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
    begin_case(m, centred ? EKI_SITE_LAYER : EKI_SITE_RMS, EKI_SPELL_CONTRIB, 3, 1U << 2, -1);
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
    begin_case(m, EKI_SITE_GROUP, EKI_SPELL_CONTRIB, 4, 0, 3);
    m->c->channels_last = true;
    m->c->spec.groups = 2 + draw(m, 2);
    m->c->spec.swish = draw(m, 2) == 0;
    eki_value *in[3] = {m->x, make_vector(m, EKI_SCALE, 0.5, 1.5), make_vector(m, EKI_BIAS, -1, 1)}, *y;
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
    attr->graphs = eki_arena_memdup(&m->graph->arena, &child, eki_sized(sizeof(eki_graph *)));
    child->owner = owner;
    child->name = name;
    return child;
}

void site_in_branch(maker *m) {
    eki_shape scalar = {.rank = 0};
    eki_value *condition, *y = NULL, *other = NULL, *result = NULL;
    begin_case(m, EKI_SITE_LAYER, EKI_SPELL_MOMENTS, 3, 1U << 2, -1);
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
