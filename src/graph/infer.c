/* infer.c: shape inference over a graph, node by node in topological order.
 *
 * The same walk serves symbolic shapes (a file's dynamic batch) and concrete ones (a plan): operators treat a negative
 * dimension as a symbol. Outputs whose values are known are folded and need no step in a plan.
 *
 * What is to run must be known, and asks for the nodes that it needs. A walk over a whole graph looks only: what nobody
 * can infer (infer_guess.c) is as the file declares it, or not known.
 */
#include "graph/infer.h"

#include "graph/call.h"
#include "graph/exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MISSING_TEXT = 1024, MISSING_KINDS = 64 };

typedef struct missing_list {
    const eki_node *nodes[MISSING_KINDS]; /* one node of each kind */
    int counts[MISSING_KINDS], kinds;
} missing_list;

static void note_missing(missing_list *missing, const eki_node *node) {
    for (int i = 0; i < missing->kinds; i++) {
        if (strcmp(missing->nodes[i]->op_type, node->op_type) == 0 &&
            strcmp(missing->nodes[i]->domain, node->domain) == 0) {
            missing->counts[i]++;
            return;
        }
    }
    if (missing->kinds == MISSING_KINDS) return;
    missing->nodes[missing->kinds] = node;
    missing->counts[missing->kinds++] = 1;
}

ek_status eki_check_operators(const eki_graph *graph, const bool *only, ek_error *err) {
    missing_list missing = {.kinds = 0};
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        if (only != NULL && !only[node->id]) continue;
        if (eki_op_find(node->op, eki_node_opset(graph, node)) == NULL) {
            note_missing(&missing, node);
        }
    }
    if (missing.kinds == 0) return EK_OK;
    char text[MISSING_TEXT + 200] = "";
    size_t used = 0;
    for (int i = 0; i < missing.kinds && used < MISSING_TEXT - 96; i++) {
        const eki_node *node = missing.nodes[i];
        used += (size_t)snprintf(text + used, MISSING_TEXT - used, "%s%.40s%s%.40s (x%d, first at '%.40s')",
                                 i > 0 ? ", " : "", node->domain, node->domain[0] ? "." : "", node->op_type,
                                 missing.counts[i],
                                 node->n_out > 0 && node->out[0] != NULL ? node->out[0]->name : node->name);
        if (node->why != NULL && used < MISSING_TEXT)
            used += (size_t)snprintf(text + used, 200, ", a function: %.180s", node->why);
    }
    return eki_fail(err, EK_ERR_UNSUPPORTED,
                    "%s: operators not supported at opset %lld: %s; `evenkeel env` lists what is", graph->path,
                    (long long)eki_graph_opset(graph, ""), text);
}

/* Refuses what no machine can hold before anything is computed with it. */
static ek_status check_extents(const eki_graph *graph, const eki_value *value, const eki_shape *shape, ek_error *err) {
    int64_t reach;
    char text[192];
    if (eki_shape_reach(shape, &reach) && reach <= EKI_MAX_ELEMENTS) return EK_OK;
    return eki_fail(err, EK_ERR_LIMIT, "'%s' has shape %s, beyond the limit of %lld elements", value->name,
                    eki_shape_text(graph, shape, text), (long long)EKI_MAX_ELEMENTS);
}

static ek_status start_values(const eki_graph *graph, const eki_given *inputs, const eki_part *part, eki_known *known,
                              ek_error *err) {
    size_t fed = 0;
    for (size_t i = 0; i < graph->n_values; i++) {
        const eki_value *value = graph->values[i];
        known[i] = (eki_known){.shape = {.rank = -1}};
        if (value->init != NULL) {
            known[i] = (eki_known){value->init->dtype, value->init->shape, value->init};
        } else if (value->input_index >= 0 || value->outer != NULL) {
            known[i] = (eki_known){value->dtype, value->shape, NULL};
        }
    }
    for (size_t i = 0; i < graph->n_inputs; i++) {
        const eki_value *value = graph->inputs[i];
        if (value->init != NULL || inputs->shapes == NULL) continue;
        char found[192], wanted[192];
        const eki_shape *given = &inputs->shapes[fed];
        const eki_tensor *numbers = inputs->numbers != NULL ? &inputs->numbers[fed] : NULL;
        fed++;
        if (part != NULL && !part->values[value->id]) continue;
        bool fits = value->shape.rank < 0 || value->shape.rank == given->rank;
        for (int k = 0; fits && k < value->shape.rank; k++) {
            fits = value->shape.dims[k] < 0 || value->shape.dims[k] == given->dims[k];
        }
        if (!fits) {
            return eki_fail(err, EK_ERR_SHAPE, "input '%s' has shape %s but the model expects %s", value->name,
                            eki_shape_text(graph, given, found), eki_shape_text(graph, &value->shape, wanted));
        }
        known[value->id].shape = *given;
        if (numbers != NULL && numbers->data != NULL) known[value->id].constant = numbers;
    }
    for (size_t i = 0; i < graph->n_values; i++) {
        if (part == NULL || part->values[i]) EKI_TRY(check_extents(graph, graph->values[i], &known[i].shape, err));
    }
    return EK_OK;
}

static ek_status check_arity(eki_infer *infer, const eki_node *node) {
    if (node->n_in > EKI_MAX_IO || node->n_out > EKI_MAX_IO) {
        return eki_infer_fail(infer, EK_ERR_LIMIT, "has %d inputs and %d outputs; at most %d are supported", node->n_in,
                              node->n_out, EKI_MAX_IO);
    }
    if (node->n_out > 0 && node->out[0] != NULL) return EK_OK;
    return eki_infer_fail(infer, EK_ERR_FORMAT, "output 0 is missing; no operator can leave it out");
}

/* Takes over what the operator inferred. Every output but the first has a type of its own, or there is no such output.
 */
static ek_status store_outputs(const eki_graph *graph, const eki_node *node, eki_known *known, eki_infer *infer) {
    for (int k = 0; k < node->n_out; k++) {
        if (node->out[k] == NULL) continue;
        if (k > 0 && infer->out[k].dtype == EK_DTYPE_NONE) {
            return eki_infer_fail(infer, EK_ERR_FORMAT, "has %d outputs; this operator has no output %d", node->n_out,
                                  k);
        }
        EKI_TRY(check_extents(graph, node->out[k], &infer->out[k].shape, infer->err));
        known[node->out[k]->id] = (eki_known){infer->out[k].dtype, infer->out[k].shape, infer->out[k].constant};
    }
    return EK_OK;
}

static void set_up(const eki_graph *graph, const eki_node *node, const eki_known *known, eki_infer *infer) {
    infer->node = node;
    infer->opset = eki_node_opset(graph, node);
    for (int k = 0; k < node->n_in && k < EKI_MAX_IO; k++) {
        static const eki_known absent = {.dtype = EK_DTYPE_NONE, .shape = {.rank = -1}};
        const eki_known *in = node->in[k] != NULL ? &known[node->in[k]->id] : &absent;
        infer->in[k].present = node->in[k] != NULL;
        infer->in[k].dtype = in->dtype;
        infer->in[k].shape = in->shape;
        infer->in[k].constant = in->constant;
    }
    for (int k = 0; k < node->n_out && k < EKI_MAX_IO; k++) {
        infer->out[k].present = node->out[k] != NULL;
        infer->out[k].dtype = EK_DTYPE_NONE;
        infer->out[k].shape.rank = -1;
        infer->out[k].constant = NULL;
    }
}

static ek_status infer_node(eki_graph *graph, const eki_node *node, bool to_run, eki_known *known, eki_infer *infer) {
    ek_error failure = {.text = ""}, *err = infer->err;
    const eki_op *op = eki_op_find(node->op, eki_node_opset(graph, node));
    if (!to_run && op == NULL) return eki_guess_outputs(graph, node, known, err);
    set_up(graph, node, known, infer);
    infer->err = &failure;
    ek_status status = check_arity(infer, node);
    if (status == EK_OK) status = eki_call_infer(op, infer);
    if (status == EK_OK) status = store_outputs(graph, node, known, infer);
    infer->err = err;
    if (!to_run && status != EK_OK && eki_may_guess(infer, status)) status = EK_OK;
    if (status == EK_OK) return to_run ? EK_OK : eki_guess_outputs(graph, node, known, err);
    if (err != NULL) *err = failure;
    return eki_name_node(graph, node, status, err);
}

static ek_status infer_all(eki_graph *graph, const eki_given *given, const eki_part *part, eki_known *known,
                           eki_infer *infer) {
    infer->graph = graph;
    EKI_TRY(start_values(graph, given, part, known, infer->err));
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        if (node->op_type == NULL || (part != NULL && !part->nodes[node->id])) continue;
        EKI_TRY(infer_node(graph, node, part != NULL, known, infer));
    }
    return EK_OK;
}

static ek_status infer_given(eki_graph *graph, const eki_given *given, const eki_part *part, eki_known **out,
                             ek_error *err) {
    *out = NULL;
    if (part != NULL) EKI_TRY(eki_check_operators(graph, part->nodes, err));
    eki_known *known = eki_calloc(graph->n_values + 1, sizeof *known);
    eki_infer *infer = eki_calloc(1, sizeof *infer);
    ek_status status = known == NULL || infer == NULL ? eki_fail_nomem(err, sizeof *infer) : EK_OK;
    if (status == EK_OK) {
        infer->err = err;
        status = infer_all(graph, given, part, known, infer);
    }
    free(infer);
    if (status != EK_OK) {
        free(known);
        return eki_name_file(graph, status, err);
    }
    *out = known;
    return EK_OK;
}

ek_status eki_infer_values(eki_graph *graph, const eki_shape *input_shapes, const eki_part *part, eki_known **known,
                           ek_error *err) {
    return infer_given(graph, &(eki_given){.shapes = input_shapes}, part, known, err);
}

ek_status eki_infer_aside(eki_graph *graph, const eki_given *given, const eki_part *part, eki_known **known,
                          eki_arena *constants, ek_error *err) {
    eki_arena own = graph->arena;
    size_t symbols = graph->n_symbols;
    graph->arena = (eki_arena){0};
    ek_status status = infer_given(graph, given, part, known, err);
    *constants = graph->arena;
    graph->arena = own;
    graph->n_symbols = symbols;
    return status;
}

ek_status eki_graph_infer(eki_graph *graph, const eki_shape *input_shapes, ek_error *err) {
    eki_known *known;
    EKI_TRY(eki_infer_values(graph, input_shapes, NULL, &known, err));
    for (size_t i = 0; i < graph->n_values; i++) {
        eki_value *value = graph->values[i];
        if (value->producer == NULL) continue;
        value->dtype = known[i].dtype;
        if (value->dtype != EK_F32) value->stored = EK_DTYPE_NONE;
        value->shape = known[i].shape;
    }
    free(known);
    return EK_OK;
}
