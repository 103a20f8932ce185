/* raise_opset.c: how nodes move up across the opsets at which their operator changed (ops.def), and the walk over a
 * graph.
 *
 * A change without a step is refused, and so is an operator that is not known, so that nothing moves on a guess.
 */
#include "surgery/raise_opset.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct change {
    eki_opcode op;
    int64_t version;
    eki_raise_step step;
} change;

/* How a node moves across an opset at which its operator changed. */
static const change changes[] = {
    {EKI_OP_Add, 7, eki_raise_broadcast},
    {EKI_OP_Sub, 7, eki_raise_broadcast},
    {EKI_OP_Mul, 7, eki_raise_broadcast},
    {EKI_OP_Div, 7, eki_raise_broadcast},
    {EKI_OP_Pow, 7, eki_raise_broadcast},
    {EKI_OP_PRelu, 7, eki_raise_broadcast},
    {EKI_OP_Gemm, 7, eki_raise_broadcast},
    {EKI_OP_Equal, 7, eki_raise_broadcast},
    {EKI_OP_Greater, 7, eki_raise_broadcast},
    {EKI_OP_Less, 7, eki_raise_broadcast},
    {EKI_OP_And, 7, eki_raise_broadcast},
    {EKI_OP_Or, 7, eki_raise_broadcast},
    {EKI_OP_Xor, 7, eki_raise_broadcast},
    {EKI_OP_BatchNormalization, 7, eki_raise_batch_norm},
    {EKI_OP_BatchNormalization, 9, eki_raise_batch_norm},
    {EKI_OP_BatchNormalization, 14, eki_raise_batch_norm},
    {EKI_OP_Clip, 11, eki_raise_clip},
    {EKI_OP_ConvTranspose, 11, eki_raise_deconv},
    {EKI_OP_Dropout, 12, eki_raise_dropout},
    {EKI_OP_GroupNormalization, 21, eki_raise_group_norm},
    {EKI_OP_LogSoftmax, 13, eki_raise_softmax},
    {EKI_OP_Pad, 11, eki_raise_pad},
    {EKI_OP_ReduceL1, 18, eki_raise_axes},
    {EKI_OP_ReduceL2, 18, eki_raise_axes},
    {EKI_OP_ReduceLogSum, 18, eki_raise_axes},
    {EKI_OP_ReduceLogSumExp, 18, eki_raise_axes},
    {EKI_OP_ReduceMax, 18, eki_raise_axes},
    {EKI_OP_ReduceMean, 18, eki_raise_axes},
    {EKI_OP_ReduceMin, 18, eki_raise_axes},
    {EKI_OP_ReduceProd, 18, eki_raise_axes},
    {EKI_OP_ReduceSum, 13, eki_raise_axes},
    {EKI_OP_ReduceSumSquare, 18, eki_raise_axes},
    {EKI_OP_Slice, 10, eki_raise_slice},
    {EKI_OP_Softmax, 13, eki_raise_softmax},
    {EKI_OP_Split, 13, eki_raise_split},
    {EKI_OP_Split, 18, eki_raise_split_count},
    {EKI_OP_Squeeze, 13, eki_raise_axes},
    {EKI_OP_Unsqueeze, 13, eki_raise_axes},
    {EKI_OP_Upsample, 10, eki_raise_upsample},
};

static eki_raise_step step_at(eki_opcode op, int64_t version) {
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        if (changes[i].op == op && changes[i].version == version) return changes[i].step;
    }
    return NULL;
}

/* What an exporter of opset 5 and before said of memory. */
static void drop_legacy(const eki_raise *r, eki_node *node) {
    if (r->from < 6) eki_node_remove_attr(node, "consumed_inputs");
}

/* Every operator that has a step reads something. */
static bool lacks_input(const eki_node *node) { return node->n_in < 1 || node->in[0] == NULL; }

/* A step that covers several changes runs once. */
static ek_status raise_node(const eki_raise *r, eki_node *node, int64_t low, int64_t high) {
    eki_opcode op = node->op;
    char what[96], text[160];
    drop_legacy(r, node);
    if (eki_op_has(op, EKI_GRAPHS)) return eki_raise_refuse(r, node, "the graphs in it are not looked into");
    if (op == EKI_OP_NONE && low < EKI_OPSET_MIN)
        return eki_raise_refuse(r, node, "it is not known to mean the same there");
    for (int64_t at = eki_op_next_change(op, low), next; at != 0 && at <= high; at = next) {
        eki_raise_step step = step_at(op, at);
        next = eki_op_next_change(op, at);
        if (step == NULL) {
            (void)snprintf(text, sizeof text, "its operator changed at %" PRId64 ": %s", at,
                           eki_op_change(op, at, what));
            return eki_raise_refuse(r, node, text);
        }
        if (next != 0 && next <= high && step_at(op, next) == step) continue;
        if (lacks_input(node)) return eki_raise_refuse(r, node, "its first input is missing");
        EKI_TRY(step(r, node));
    }
    return EK_OK;
}

static bool has_step(eki_opcode op, int64_t low, int64_t high) {
    int64_t at = eki_op_next_change(op, low);
    return at != 0 && at <= high && step_at(op, at) != NULL;
}

/* From 17 on: what eki_opset_check refuses and no step covers. */
static ek_status check_late(const eki_raise *r, int64_t low) {
    const eki_graph *graph = r->graph;
    uint8_t *ignore = eki_calloc(graph->n_nodes + 1, 1);
    if (ignore == NULL) return eki_fail_nomem(r->err, graph->n_nodes);
    for (size_t i = 0; i < graph->n_nodes; i++) ignore[i] = has_step(graph->nodes[i]->op, low, r->to);
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
