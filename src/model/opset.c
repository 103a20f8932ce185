/* opset.c: moving a graph from one ai.onnx opset to another without changing what it means.
 *
 * Between opsets 17 and 23 nearly every new version of an operator only adds element types or optional attributes.
 * The table names those that do change, with the opset at which they do (ONNX Changelog.md); a move across such an
 * opset is refused, as is one to an opset that lacks an operator. Operators with subgraphs are refused too, because
 * their bodies are kept as bytes and not looked into.
 */
#include "model/model.h"

#include <inttypes.h>
#include <string.h>

typedef struct opset_change {
    const char *op_type;
    int64_t version;
} opset_change;

static const opset_change changes[] = {
    {"Split", 18},
    {"ReduceL1", 18},
    {"ReduceL2", 18},
    {"ReduceLogSum", 18},
    {"ReduceMax", 18},
    {"ReduceLogSumExp", 18},
    {"ReduceMean", 18},
    {"ReduceMin", 18},
    {"ReduceProd", 18},
    {"ReduceSumSquare", 18},
    {"BitwiseAnd", 18},
    {"BitwiseOr", 18},
    {"BitwiseXor", 18},
    {"BitwiseNot", 18},
    {"CenterCropPad", 18},
    {"Col2Im", 18},
    {"Mish", 18},
    {"If", 19},
    {"Loop", 19},
    {"Scan", 19},
    {"SequenceMap", 19},
    {"DFT", 20},
    {"GridSample", 20},
    {"Gelu", 20},
    {"AffineGrid", 20},
    {"ImageDecoder", 20},
    {"GroupNormalization", 21},
    {"RotaryEmbedding", 23},
    {"Attention", 23},
};

/* A file of opset 18 to 20 has the first GroupNormalization, with one scale per group; it stays where it is. */
static bool has_first_group_norm(int64_t opset) { return opset >= 18 && opset < EKI_OPSET_GROUP; }

static int64_t group_since(const eki_graph *graph) {
    return has_first_group_norm(eki_graph_opset(graph, "")) ? 18 : EKI_OPSET_GROUP;
}

int64_t eki_opset_needed(const eki_graph *graph) {
    int64_t needed = 1;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        int64_t since = 1;
        if (node->domain[0] != '\0') continue;
        if (strcmp(node->op_type, "LayerNormalization") == 0) since = EKI_OPSET_MIN;
        if (strcmp(node->op_type, "GroupNormalization") == 0) since = group_since(graph);
        if (strcmp(node->op_type, "RMSNormalization") == 0) since = EKI_OPSET_RMS;
        if (since > needed) needed = since;
    }
    return needed;
}

/* The opset in (low, high] at which the operator changes, or 0. */
static int64_t changes_between(const char *op_type, int64_t low, int64_t high) {
    if (strcmp(op_type, "GroupNormalization") == 0 && !has_first_group_norm(low)) return 0;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        if (strcmp(changes[i].op_type, op_type) != 0) continue;
        if (changes[i].version > low && changes[i].version <= high) return changes[i].version;
    }
    return 0;
}

/* Norms that a move down replaces by subgraphs (lower.c). */
static bool is_lowered(const eki_node *node, int64_t version) {
    return (version < EKI_OPSET_GROUP && strcmp(node->op_type, "GroupNormalization") == 0) ||
           (version < EKI_OPSET_RMS && strcmp(node->op_type, "RMSNormalization") == 0);
}

static int64_t ir_version_for(int64_t opset) { return opset >= 23 ? 11 : opset >= 21 ? 10 : opset >= 19 ? 9 : 8; }

ek_status eki_opset_check(const eki_graph *graph, int64_t version, const uint8_t *ignore, ek_error *err) {
    int64_t own = eki_graph_opset(graph, "");
    int64_t low = own < version ? own : version, high = own < version ? version : own;
    if (own == version) return EK_OK;
    if (low < EKI_OPSET_MIN) {
        return eki_fail(err, EK_ERR_UNSUPPORTED,
                        "%s: the model is at opset %" PRId64 ", opset %" PRId64
                        " was wanted; only moves between opsets from 17 on are supported",
                        graph->path, own, version);
    }
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        if (node->domain[0] != '\0' || (ignore != NULL && ignore[i])) continue;
        if (version < own && is_lowered(node, version)) continue;
        int64_t at = changes_between(node->op_type, low, high);
        if (at != 0) {
            char label[192];
            return eki_fail(err, EK_ERR_UNSUPPORTED,
                            "%s: %s cannot move from opset %" PRId64 " to %" PRId64 ": its operator changed at %" PRId64
                            "; keep opset %" PRId64,
                            graph->path, eki_node_label(node, label), own, version, at, own);
        }
    }
    return EK_OK;
}

ek_status eki_opset_declare(eki_graph *graph, int64_t version, ek_error *err) {
    int64_t own = eki_graph_opset(graph, ""), ir = ir_version_for(version);
    if (own == version) return EK_OK;
    EKI_TRY(eki_graph_add_opset(graph, "", version, err));
    if (version > own ? graph->ir_version < ir : graph->ir_version > ir) graph->ir_version = ir;
    return EK_OK;
}
