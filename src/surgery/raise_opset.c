/* raise_opset.c: which operators changed at which opset, up to 17, and the walk over a graph.
 *
 * ONNX's Changelog.md. An operator that stands in neither list is refused, so that nothing moves on a guess. From 17 on
 * eki_opset_check has the list; the steps below cover what it would refuse.
 */
#include "surgery/raise_opset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* New versions of these only took away restrictions: more types, negative axes, optional inputs and attributes. */
static const char *const same[] = {
    "Abs",
    "And",
    "ArgMax",
    "ArgMin",
    "AveragePool",
    "Cast",
    "Ceil",
    "Celu",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Conv",
    "Cos",
    "CumSum",
    "DepthToSpace",
    "Einsum",
    "Elu",
    "Erf",
    "Exp",
    "Expand",
    "EyeLike",
    "Flatten",
    "Floor",
    "Gather",
    "GatherElements",
    "GatherND",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "InstanceNormalization",
    "IsInf",
    "IsNaN",
    "LRN",
    "LayerNormalization",
    "LeakyRelu",
    "Log",
    "LpNormalization",
    "MatMul",
    "MaxPool",
    "MeanVarianceNormalization",
    "Mod",
    "Neg",
    "Not",
    "OneHot",
    "Or",
    "Range",
    "Reciprocal",
    "Relu",
    "Reshape",
    "Round",
    "ScatterElements",
    "ScatterND",
    "Selu",
    "Shape",
    "Sigmoid",
    "Sign",
    "Sin",
    "Size",
    "Softplus",
    "Softsign",
    "SpaceToDepth",
    "Sqrt",
    "Sum",
    "Tanh",
    "ThresholdedRelu",
    "Tile",
    "Transpose",
    "Where",
    "Xor",
    "Max",
    "Min",
    "Mean",
};

typedef struct change {
    const char *op_type;
    int64_t version;
    eki_raise_step step; /* NULL = refused */
} change;

static const change changes[] = {
    {"Add", 7, eki_raise_broadcast},
    {"Sub", 7, eki_raise_broadcast},
    {"Mul", 7, eki_raise_broadcast},
    {"Div", 7, eki_raise_broadcast},
    {"Pow", 7, eki_raise_broadcast},
    {"PRelu", 7, eki_raise_broadcast},
    {"Equal", 7, eki_raise_broadcast},
    {"Greater", 7, eki_raise_broadcast},
    {"Less", 7, eki_raise_broadcast},
    {"BatchNormalization", 14, eki_raise_batch_norm},
    {"Clip", 11, eki_raise_clip},
    {"ConvTranspose", 11, eki_raise_deconv},
    {"Dropout", 12, eki_raise_dropout},
    {"GroupNormalization", 21, eki_raise_group_norm},
    {"LogSoftmax", 13, eki_raise_softmax},
    {"Pad", 11, eki_raise_pad},
    {"ReduceL1", 18, eki_raise_axes},
    {"ReduceL2", 18, eki_raise_axes},
    {"ReduceLogSum", 18, eki_raise_axes},
    {"ReduceLogSumExp", 18, eki_raise_axes},
    {"ReduceMax", 18, eki_raise_axes},
    {"ReduceMean", 18, eki_raise_axes},
    {"ReduceMin", 18, eki_raise_axes},
    {"ReduceProd", 18, eki_raise_axes},
    {"ReduceSum", 13, eki_raise_axes},
    {"ReduceSumSquare", 18, eki_raise_axes},
    {"Resize", 11, NULL},
    {"Slice", 10, eki_raise_slice},
    {"Softmax", 13, eki_raise_softmax},
    {"Split", 13, eki_raise_split},
    {"Split", 18, eki_raise_split_count},
    {"Squeeze", 13, eki_raise_axes},
    {"Unsqueeze", 13, eki_raise_axes},
    {"Upsample", 10, eki_raise_upsample},
};

ek_status eki_raise_refuse(const eki_raise *raise, const eki_node *node, const char *why) {
    char label[192];
    return eki_fail(raise->err, EK_ERR_UNSUPPORTED, "%s: %s cannot move from opset %" PRId64 " to %" PRId64 ": %s",
                    raise->graph->path, eki_node_label(node, label), raise->from, raise->to, why);
}

static bool is_same(const eki_node *node) {
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        if (strcmp(same[i], node->op_type) == 0) return true;
    }
    return false;
}

/* What an exporter of opset 5 and before said of memory. */
static void drop_legacy(const eki_raise *r, eki_node *node) {
    if (r->from < 6) eki_node_remove_attr(node, "consumed_inputs");
}

static ek_status raise_node(const eki_raise *r, eki_node *node, int64_t low, int64_t high) {
    bool known = is_same(node) || low >= EKI_OPSET_MIN;
    drop_legacy(r, node);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const change *c = &changes[i];
        if (strcmp(c->op_type, node->op_type) != 0) continue;
        known = true;
        if (c->version <= low || c->version > high) continue;
        if (c->step == NULL) return eki_raise_refuse(r, node, "its operator changed");
        EKI_TRY(c->step(r, node));
    }
    /* Before 14 the mode of a batch norm changed at 7 and 9 as well. */
    if (low < 14 && high < 14 && eki_is_op(node, "BatchNormalization")) return eki_raise_batch_norm(r, node);
    return known ? EK_OK : eki_raise_refuse(r, node, "it is not known to mean the same there");
}

static bool has_step(const eki_node *node, int64_t low, int64_t high) {
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const change *c = &changes[i];
        if (strcmp(c->op_type, node->op_type) == 0 && c->version > low && c->version <= high && c->step != NULL)
            return true;
    }
    return false;
}

/* From 17 on: what eki_opset_check refuses and no step covers. */
static ek_status check_late(const eki_raise *r, int64_t low) {
    const eki_graph *graph = r->graph;
    uint8_t *ignore = calloc(graph->n_nodes + 1, 1);
    if (ignore == NULL) return eki_fail_nomem(r->err, graph->n_nodes);
    for (size_t i = 0; i < graph->n_nodes; i++) ignore[i] = has_step(graph->nodes[i], low, r->to);
    ek_status status = eki_opset_check(graph, r->to, ignore, r->err);
    free(ignore);
    return status;
}

static ek_status raise_all(const eki_raise *r, int64_t low, int64_t high) {
    size_t nodes = r->graph->n_nodes;
    for (size_t i = 0; i < nodes; i++) {
        eki_node *node = r->graph->nodes[i];
        if (node->op_type == NULL || node->domain[0] != '\0') continue;
        EKI_TRY(raise_node(r, node, low, high));
    }
    return eki_opset_declare(r->graph, high, r->err);
}

ek_status eki_opset_raise(eki_graph *graph, int64_t version, ek_error *err) {
    int64_t own = eki_graph_opset(graph, ""), early = version < EKI_OPSET_MIN ? version : EKI_OPSET_MIN;
    eki_raise r = {.graph = graph, .from = own, .to = version, .err = err};
    if (own == version) return EK_OK;
    if (version < own || version > EKI_OPSET_RMS) {
        return eki_fail(err, EK_ERR_ARG,
                        "%s: the model is at opset %" PRId64 "; it can be raised to %d at most, not to %" PRId64
                        " (saving at 17 lowers group and RMS norms)",
                        graph->path, own, EKI_OPSET_RMS, version);
    }
    if (own < early) EKI_TRY(raise_all(&r, own, early));
    if (version > early) {
        int64_t low = own > early ? own : early;
        EKI_TRY(check_late(&r, low));
        EKI_TRY(raise_all(&r, low, version));
    }
    return eki_graph_sort(graph, err);
}
