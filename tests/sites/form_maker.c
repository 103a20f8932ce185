#include "form_maker.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OK(call) assert_int_equal(call, EK_OK)

static const struct {
    const char *name;
    eki_site_kind kind;
    int rank;
    int64_t dims[4];
    int axis; /* the first of the norm's */
    int channel_axis;
    int64_t groups;
    double epsilon;
} forms[FORMS] = {
    {"layer", EKI_SITE_LAYER, 3, {2, 3, 8}, 2, -1, 1, 1e-3},
    {"layer over three axes", EKI_SITE_LAYER, 4, {2, 3, 4, 2}, 1, -1, 1, 1e-5},
    {"rms", EKI_SITE_RMS, 3, {2, 3, 8}, 2, -1, 1, 1e-3},
    {"instance", EKI_SITE_INSTANCE, 4, {2, 6, 4, 3}, 2, 1, 1, 1e-3},
    {"instance of rank 3", EKI_SITE_INSTANCE, 3, {2, 6, 8}, 2, 1, 1, 1e-5},
    {"group", EKI_SITE_GROUP, 4, {2, 6, 4, 3}, 1, 1, 3, 1e-3},
    {"mean-variance", EKI_SITE_MEAN_VARIANCE, 4, {2, 3, 4, 2}, 2, -1, 1, 1e-9},
    {"skip layer", EKI_SITE_LAYER, 3, {2, 3, 8}, 2, -1, 1, 1e-3},
    {"skip rms", EKI_SITE_RMS, 3, {2, 3, 8}, 2, -1, 1, 1e-3},
    {"group, channels last", EKI_SITE_GROUP, 4, {2, 4, 3, 6}, 1, 3, 3, 1e-3},
};

/* Numbers that float16 holds, between low and high. */
static double number(int64_t i, double low, double high) {
    double level = 0.6180339887 * (double)(i + 1);
    return round((low + (high - low) * (level - floor(level))) * 64) / 64;
}

static eki_value *add_input(form_case *c, const char *name, double *numbers) {
    eki_value *x, *half;
    eki_node *node;
    OK(eki_graph_value(c->graph, name, &x, NULL));
    x->dtype = EK_F32;
    x->shape = eki_shape_of(c->spec.rank, c->spec.dims);
    x->declared = true;
    OK(eki_graph_add_input(c->graph, x, NULL));
    for (int64_t i = 0; i < spec_count(&c->spec); i++) numbers[i] = number(name[0] == 's' ? 7 * i : i, -2, 3);
    if (!c->half) return x;
    OK(eki_graph_value(c->graph, name[0] == 's' ? "skip16" : "x16", &half, NULL));
    OK(eki_graph_add_op(c->graph, EKI_OP_Cast, "", &x, 1, &half, 1, &node, NULL));
    OK(eki_node_set_int(c->graph, node, "to", EK_F16, NULL));
    return half;
}

/* Makes `value` an output, in float32. */
static void add_output(form_case *c, eki_value *value, const char *name) {
    eki_value *out = value;
    eki_node *node;
    if (c->half) {
        OK(eki_graph_value(c->graph, name, &out, NULL));
        OK(eki_graph_add_op(c->graph, EKI_OP_Cast, "", &value, 1, &out, 1, &node, NULL));
        OK(eki_node_set_int(c->graph, node, "to", EK_F32, NULL));
    }
    out->dtype = EK_F32;
    out->shape = eki_shape_of(c->spec.rank, c->spec.dims);
    out->declared = true;
    OK(eki_graph_add_output(c->graph, out, NULL));
}

/* `per` numbers of a role; the spec gets them with the shape that they have for x. */
static eki_value *add_parameter(form_case *c, eki_role role, const eki_shape *shape, const eki_shape *full) {
    static double wide[SPEC_ELEMENTS];
    eki_value *value;
    int64_t have, all;
    OK(eki_graph_add_tensor(c->graph, eki_role_name(role), EK_F32, shape, &value, NULL));
    value->init->stored = value->stored = c->half ? EK_F16 : EK_DTYPE_NONE;
    (void)eki_shape_count(shape, &have);
    (void)eki_shape_count(full, &all);
    for (int64_t i = 0; i < have; i++) {
        double n = role == EKI_SCALE ? number(3 * i, 0.5, 1.5) : number(5 * i, -1, 1);
        ((float *)value->init->data)[i] = (float)n;
        for (int64_t k = i * (all / have); k < (i + 1) * (all / have); k++) wide[k] = n;
    }
    spec_parameter(&c->spec, role, wide, full, c->spec.channel_axis);
    return value;
}

static eki_shape parameter_shape(const form_case *c, int axis) {
    if (c->spec.channel_axis >= 0) return eki_shape_of(1, &c->spec.dims[c->spec.channel_axis]);
    return eki_shape_of(c->spec.rank - axis, c->spec.dims + axis);
}

/* The operator, its domain, and NULL where this opset has neither. */
static const char *operator_of(form kind, int64_t opset, const char **domain) {
    *domain = "";
    switch (kind) {
    case FORM_LAYER:
    case FORM_LAYER_WIDE: return "LayerNormalization"; /* before opset 17 onnxruntime's */
    case FORM_RMS: return opset >= 23 ? "RMSNormalization" : "SimplifiedLayerNormalization";
    case FORM_INSTANCE:
    case FORM_INSTANCE_ROWS: return "InstanceNormalization";
    case FORM_GROUP: return opset >= 18 ? "GroupNormalization" : NULL;
    case FORM_MEAN_VARIANCE: return "MeanVarianceNormalization";
    default: break;
    }
    *domain = "com.microsoft";
    return kind == FORM_SKIP_LAYER ? "SkipLayerNormalization"
           : kind == FORM_SKIP_RMS ? "SkipSimplifiedLayerNormalization"
                                   : "GroupNorm";
}

static void set_attributes(form_case *c, form kind, eki_node *node) {
    static const int64_t axes[] = {2, 3};
    if (kind == FORM_MEAN_VARIANCE) {
        OK(eki_node_set_ints(c->graph, node, "axes", axes, 2, NULL));
        return;
    }
    OK(eki_node_set_float(c->graph, node, "epsilon", (float)forms[kind].epsilon, NULL));
    if (kind == FORM_LAYER || kind == FORM_RMS) OK(eki_node_set_int(c->graph, node, "axis", -1, NULL));
    if (kind == FORM_LAYER_WIDE) OK(eki_node_set_int(c->graph, node, "axis", 1, NULL));
    if (kind == FORM_GROUP) OK(eki_node_set_int(c->graph, node, "num_groups", c->spec.groups, NULL));
    if (kind != FORM_GROUP_LAST) return;
    OK(eki_node_set_int(c->graph, node, "groups", c->spec.groups, NULL));
    OK(eki_node_set_int(c->graph, node, "activation", 1, NULL));
    OK(eki_node_set_int(c->graph, node, "channels_last", 1, NULL));
}

static void start(form kind, int64_t opset, bool half, form_case *c) {
    memset(c, 0, sizeof *c);
    OK(eki_graph_create(opset, &c->graph, NULL));
    c->graph->name = "g";
    c->half = half;
    c->has_skip = kind == FORM_SKIP_LAYER || kind == FORM_SKIP_RMS;
    c->spec.kind = forms[kind].kind;
    c->spec.rank = forms[kind].rank;
    memcpy(c->spec.dims, forms[kind].dims, sizeof forms[kind].dims);
    for (int i = forms[kind].axis; i < c->spec.rank; i++) c->spec.axes |= 1U << i;
    c->spec.channel_axis = forms[kind].channel_axis;
    c->spec.groups = forms[kind].groups;
    c->spec.epsilon = kind == FORM_MEAN_VARIANCE ? 1e-9 : (double)(float)forms[kind].epsilon;
    (void)snprintf(c->label, sizeof c->label, "%s, opset %d%s", forms[kind].name, (int)opset, half ? ", float16" : "");
}

bool form_make(form kind, int64_t opset, bool half, form_case *c) {
    eki_value *in[4], *out[4] = {NULL};
    eki_node *node;
    const char *domain, *op = operator_of(kind, opset, &domain);
    int n_in = 0, n_out = c->has_skip ? 4 : 1;
    if (op == NULL || (half && kind == FORM_MEAN_VARIANCE && opset < 13)) return false;
    start(kind, opset, half, c);
    n_out = c->has_skip ? 4 : 1;
    if (domain[0] != '\0') OK(eki_graph_add_opset(c->graph, domain, 1, NULL));
    c->contrib = domain[0] != '\0' || strcmp(op, "SimplifiedLayerNormalization") == 0 ||
                 (opset < 17 && forms[kind].kind == EKI_SITE_LAYER);
    in[n_in++] = add_input(c, "x", c->x);
    if (c->has_skip) in[n_in++] = add_input(c, "skip", c->skip);
    eki_shape full = parameter_shape(c, forms[kind].axis), shape = full;
    if (kind == FORM_GROUP && opset < 21) shape = eki_shape_of(1, &c->spec.groups);
    if (kind != FORM_MEAN_VARIANCE) in[n_in++] = add_parameter(c, EKI_SCALE, &shape, &full);
    if (kind != FORM_MEAN_VARIANCE && forms[kind].kind != EKI_SITE_RMS) {
        in[n_in++] = add_parameter(c, EKI_BIAS, &shape, &full);
    }
    OK(eki_graph_value(c->graph, half ? "y16" : "y", &out[0], NULL));
    if (c->has_skip) OK(eki_graph_value(c->graph, half ? "sum16" : "sum", &out[3], NULL));
    OK(eki_graph_add_node(c->graph, op, domain, "norm", in, n_in, out, n_out, &node, NULL));
    set_attributes(c, kind, node);
    c->spec.swish = kind == FORM_GROUP_LAST;
    add_output(c, out[0], "y");
    if (c->has_skip) add_output(c, out[3], "sum");
    OK(eki_graph_check(c->graph, NULL));
    return true;
}

static eki_value *add_op(form_case *c, eki_opcode op, eki_value *a, eki_value *b) {
    char name[32];
    eki_value *in[2] = {a, b}, *out;
    eki_node *node;
    (void)snprintf(name, sizeof name, "t%d", (int)c->graph->n_nodes);
    OK(eki_graph_value(c->graph, name, &out, NULL));
    OK(eki_graph_add_op(c->graph, op, "", in, b != NULL ? 2 : 1, &out, 1, &node, NULL));
    return out;
}

static eki_value *add_mean(form_case *c, eki_value *of) {
    static const int64_t axis = -1;
    eki_value *mean = add_op(c, EKI_OP_ReduceMean, of, NULL);
    OK(eki_node_set_ints(c->graph, mean->producer, "axes", &axis, 1, NULL));
    return mean;
}

void form_make_overflow(bool square, form_case *c) {
    eki_value *epsilon;
    eki_shape scalar = {.rank = 0};
    start(FORM_LAYER, 17, true, c);
    eki_value *x = add_input(c, "x", c->x);
    for (int64_t i = 0; i < spec_count(&c->spec); i++) c->x[i] *= 200; /* -400 to 600; float16 ends at 65504 */
    OK(eki_graph_add_tensor(c->graph, "epsilon", EK_F32, &scalar, &epsilon, NULL));
    epsilon->init->stored = epsilon->stored = EK_F16;
    *(float *)epsilon->init->data = (float)c->spec.epsilon;
    eki_tensor_round(epsilon->init);
    eki_value *d = add_op(c, EKI_OP_Sub, x, add_mean(c, x));
    eki_value *squares = add_op(c, EKI_OP_Mul, d, d);
    if (square) {
        squares->dtype = EK_F32;
        squares->stored = EK_F16;
        squares->shape = c->graph->inputs[0]->shape;
        squares->declared = true;
        OK(eki_graph_add_output(c->graph, squares, NULL));
        return;
    }
    eki_value *v = add_mean(c, squares);
    eki_value *y = add_op(c, EKI_OP_Div, d, add_op(c, EKI_OP_Sqrt, add_op(c, EKI_OP_Add, v, epsilon), NULL));
    eki_shape shape = parameter_shape(c, 2);
    y = add_op(c, EKI_OP_Mul, y, add_parameter(c, EKI_SCALE, &shape, &shape));
    y = add_op(c, EKI_OP_Add, y, add_parameter(c, EKI_BIAS, &shape, &shape));
    add_output(c, y, "y");
    OK(eki_graph_sort(c->graph, NULL));
}

void form_destroy(form_case *c) { eki_graph_destroy(c->graph); }
