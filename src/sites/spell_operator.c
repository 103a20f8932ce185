/* spell_operator.c: ONNX's own norm operators, at every opset that has them. */
#include "sites/spell.h"

#include <math.h>

bool eki_bn_trains(const eki_graph *graph, const eki_node *node) {
    int64_t opset = eki_graph_opset(graph, "");
    if (opset < 7) return eki_node_int(node, "is_test", 0) == 0;
    if (opset >= 14) return eki_node_int(node, "training_mode", 0) != 0;
    for (int i = 1; i < node->n_out; i++) {
        if (node->out[i] != NULL) return true;
    }
    return false;
}

bool eki_bn_per_position(const eki_graph *graph, const eki_node *node) {
    bool said = eki_graph_opset(graph, "") < 9 && eki_node_int(node, "spatial", 1) == 0;
    return said && !(node->n_in > 0 && node->in[0] != NULL && node->in[0]->shape.rank == 2);
}

void eki_epsilon_attribute(const eki_node *node, float fallback, eki_site *site) {
    const eki_attr *attr = eki_node_attr(node, "epsilon");
    site->epsilon = (double)eki_node_float(node, "epsilon", fallback);
    site->epsilon_source = attr == NULL ? EKI_EPSILON_DEFAULT : EKI_EPSILON_ATTRIBUTE;
    if (attr != NULL && attr->type != EKI_ATTR_FLOAT) site->epsilon = NAN; /* the caller's, in a function */
}

static eki_value *input(const eki_node *node, int index) { return index < node->n_in ? node->in[index] : NULL; }

static void set_axes(eki_site *site, int first) {
    site->n_axes = 0;
    for (int i = first; site->rank >= 0 && i < site->rank; i++) site->axes[site->n_axes++] = i;
}

/* Channels along axis 1, by x or else by the scale. */
static void set_channels(const eki_finder *f, eki_site *site) {
    const eki_shape *x = eki_extents(f, site->x), *scale = &site->parameters[EKI_SCALE].shape;
    site->channel_axis = 1;
    if (x->rank >= 2 && x->dims[1] > 0) site->channels = x->dims[1];
    if (site->channels == 0 && scale->rank == 1 && scale->dims[0] > 0 && !site->per_group) {
        site->channels = scale->dims[0];
    }
}

static void batch(const eki_finder *f, const eki_node *node, eki_site *site) {
    int64_t opset = eki_graph_opset(f->graph, "");
    site->kind = EKI_SITE_BATCH;
    eki_site_parameter_set(f, site, EKI_MEAN, input(node, 3), EKI_AS_IS);
    eki_site_parameter_set(f, site, EKI_VARIANCE, input(node, 4), EKI_AS_IS);
    site->momentum = (double)eki_node_float(node, "momentum", 0.9F);
    site->training = eki_bn_trains(f->graph, node);
    site->per_position = site->rank != 2 && opset < 9 && eki_node_int(node, "spatial", 1) == 0;
    set_channels(f, site);
    if (site->rank < 0) return;
    for (int i = 0; i < site->rank; i++) {
        if (i != 1 && (i == 0 || !site->per_position)) site->axes[site->n_axes++] = i;
    }
}

static void group(const eki_finder *f, const eki_node *node, eki_site *site) {
    site->kind = EKI_SITE_GROUP;
    site->groups = eki_node_int(node, "num_groups", 1);
    site->per_group = eki_node_opset(f->graph, node) < 21;
    set_channels(f, site);
    set_axes(site, 1);
}

static void rows(const eki_node *node, eki_site *site, eki_site_kind kind) {
    int64_t axis = eki_node_int(node, "axis", -1);
    site->kind = kind;
    if (axis >= 0 && site->rank < 0) return; /* how many they are depends on the rank */
    if (axis < 0 && site->rank >= 0) axis += site->rank;
    if (axis < -EKI_MAX_RANK || axis >= EKI_MAX_RANK || (site->rank >= 0 && axis < 0)) return;
    for (int i = (int)axis; i < (site->rank < 0 ? 0 : site->rank); i++) site->axes[site->n_axes++] = i;
}

static void mean_variance(const eki_node *node, eki_site *site) {
    static const int64_t usual[3] = {0, 2, 3};
    const int64_t *axes = usual;
    size_t count = 3;
    (void)(eki_node_ints(node, "axes", &axes, &count) || (axes = usual, count = 3));
    site->kind = EKI_SITE_MEAN_VARIANCE;
    site->epsilon = 1e-9;
    site->epsilon_source = EKI_EPSILON_DEFAULT;
    for (size_t i = 0; i < count && i < EKI_MAX_RANK; i++) {
        int64_t axis = axes[i] < 0 && site->rank >= 0 ? axes[i] + site->rank : axes[i];
        site->axes[site->n_axes++] = (int)axis;
    }
}

static void lp(const eki_node *node, eki_site *site) {
    int64_t axis = eki_node_int(node, "axis", -1);
    site->kind = EKI_SITE_LP;
    site->p = eki_node_int(node, "p", 2);
    site->axes[site->n_axes++] = (int)(axis < 0 && site->rank >= 0 ? axis + site->rank : axis);
}

bool eki_spell_operator(eki_finder *f, eki_node *node, eki_site *site) {
    if (node->n_in < 1 || node->in[0] == NULL || node->n_out < 1 || node->out[0] == NULL) return false;
    if (node->op == EKI_OP_NONE || !eki_site_take(f, site, node)) return false;
    bool own = node->op != EKI_OP_LayerNormalization || eki_graph_opset(f->graph, "") >= 17;
    site->spelling = own ? EKI_SPELL_OPERATOR : EKI_SPELL_CONTRIB; /* as onnxruntime had it before ONNX */
    site->norm = node;
    site->x = node->in[0];
    site->y = node->out[0];
    site->rank = eki_extents(f, site->x)->rank;
    site->channel_axis = -1;
    site->groups = 1;
    if (eki_op_has(node->op, EKI_NORM)) {
        eki_site_parameter_set(f, site, EKI_SCALE, input(node, 1), EKI_AS_IS);
        if (node->op != EKI_OP_RMSNormalization) eki_site_parameter_set(f, site, EKI_BIAS, input(node, 2), EKI_AS_IS);
        eki_epsilon_attribute(node, 1e-5F, site);
    }
    switch (node->op) {
    case EKI_OP_BatchNormalization: batch(f, node, site); return true;
    case EKI_OP_InstanceNormalization:
        site->kind = EKI_SITE_INSTANCE;
        set_channels(f, site);
        site->groups = site->channels;
        set_axes(site, 2);
        return true;
    case EKI_OP_GroupNormalization: group(f, node, site); return true;
    case EKI_OP_LayerNormalization: rows(node, site, EKI_SITE_LAYER); return true;
    case EKI_OP_RMSNormalization: rows(node, site, EKI_SITE_RMS); return true;
    case EKI_OP_MeanVarianceNormalization: mean_variance(node, site); return true;
    case EKI_OP_LpNormalization: lp(node, site); return true;
    default: return false;
    }
}
