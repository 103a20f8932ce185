/* opset.c: moving a graph from one ai.onnx opset to another without changing what it means.
 *
 * Nearly every new version of an operator only adds element types or optional attributes. ops.def says which do more; a
 * move across such an opset is refused, as is one to an opset that lacks an operator. Operators with graphs in them are
 * refused too, because these are kept as bytes and not looked into.
 */
#include "model/model.h"

#include <inttypes.h>
#include <stdio.h>

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
        if (node->op == EKI_OP_LayerNormalization) since = EKI_OPSET_MIN;
        if (node->op == EKI_OP_GroupNormalization) since = group_since(graph);
        if (node->op == EKI_OP_RMSNormalization) since = EKI_OPSET_RMS;
        if (since > needed) needed = since;
    }
    return needed;
}

/* The opset in (low, high] at which the operator changes or begins, or 0. */
static int64_t changes_between(eki_opcode op, int64_t low, int64_t high) {
    int64_t since = eki_op_since(op), change = eki_op_next_change(op, low);
    if (op == EKI_OP_GroupNormalization && !has_first_group_norm(low)) return 0;
    if (since > low && since <= high) return since;
    return change <= high ? change : 0;
}

bool eki_opset_lacks(eki_opcode op, int64_t own, int64_t version) {
    if (op == EKI_OP_RMSNormalization) return version < EKI_OPSET_RMS;
    return op == EKI_OP_GroupNormalization && version < (has_first_group_norm(own) ? 18 : EKI_OPSET_GROUP);
}

int64_t eki_ir_version_for(int64_t opset) { return opset >= 23 ? 11 : opset >= 21 ? 10 : opset >= 19 ? 9 : 8; }

static ek_status refuse(const eki_graph *graph, const eki_node *node, int64_t version, const char *why, ek_error *err) {
    char label[192];
    int64_t own = eki_graph_opset(graph, "");
    return eki_fail(err, EK_ERR_UNSUPPORTED,
                    "%s: %s cannot move from opset %" PRId64 " to %" PRId64 ": %s; keep opset %" PRId64, graph->path,
                    eki_node_label(node, label), own, version, why, own);
}

ek_status eki_opset_check(const eki_graph *graph, int64_t version, const uint8_t *ignore, ek_error *err) {
    int64_t own = eki_graph_opset(graph, "");
    int64_t low = own < version ? own : version, high = own < version ? version : own;
    char why[64];
    if (own == version) return EK_OK;
    if (low < EKI_OPSET_MIN) {
        return eki_fail(err, EK_ERR_UNSUPPORTED,
                        "%s: the model is at opset %" PRId64 ", opset %" PRId64
                        " was wanted; only moves between opsets from 17 on are supported",
                        graph->path, own, version);
    }
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        if (node->op == EKI_OP_NONE || (ignore != NULL && ignore[i])) continue;
        if (version < own && eki_opset_lacks(node->op, own, version)) continue;
        if (eki_op_has(node->op, EKI_GRAPHS))
            return refuse(graph, node, version, "the graphs in it are not looked into", err);
        int64_t at = changes_between(node->op, low, high);
        if (at == 0) continue;
        (void)snprintf(why, sizeof why, "its operator %s at %" PRId64,
                       at == eki_op_since(node->op) ? "begins" : "changed", at);
        return refuse(graph, node, version, why, err);
    }
    return EK_OK;
}

ek_status eki_opset_declare(eki_graph *graph, int64_t version, ek_error *err) {
    int64_t own = eki_graph_opset(graph, ""), most = eki_ir_version_for(version);
    if (own == version) return EK_OK;
    EKI_TRY(eki_graph_add_opset(graph, "", version, err));
    if (version < own && graph->ir_version > most) graph->ir_version = most;
    if (graph->ir_version < EKI_IR_OPSETS) graph->ir_version = EKI_IR_OPSETS;
    return EK_OK;
}
