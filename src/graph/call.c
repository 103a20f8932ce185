/* call.c: see call.h. A file has many nodes, and the reader many files. */
#include "graph/call.h"

#include <string.h>

ek_status eki_name_file(const eki_graph *graph, ek_status status, ek_error *err) {
    if (status == EK_OK || err == NULL || graph->path[0] == '\0' || strstr(err->text, graph->path) != NULL)
        return status;
    return eki_error_prefix(err, status, "%s", graph->path);
}

ek_status eki_name_node(const eki_graph *graph, const eki_node *node, ek_status status, ek_error *err) {
    char text[192];
    if (status == EK_ERR_ARG) status = EK_ERR_FORMAT; /* a file's attribute, or what is fed: no caller's argument */
    if (status == EK_OK || err == NULL) return status;
    err->status = status;
    const char *label = node != NULL ? eki_node_label(node, text) : "reorder";
    if (strstr(err->text, label) == NULL) (void)eki_error_prefix(err, status, "%s", label);
    return eki_name_file(graph, status, err);
}

static ek_status call(eki_step_fn function, eki_step *step, ek_error *err) {
    return eki_name_node(step->plan->graph, step->node, function(step, err), err);
}

ek_status eki_call_infer(const eki_op *op, eki_infer *infer) {
    return eki_name_node(infer->graph, infer->node, op->infer(infer), infer->err);
}

ek_status eki_call_prepare(eki_step *step, ek_error *err) {
    return call(step->op->prepare != NULL ? step->op->prepare : eki_prepare_plain, step, err);
}

ek_status eki_call_forward(eki_step *step, ek_error *err) { return call(step->op->forward, step, err); }

ek_status eki_call_again(eki_step *step, ek_error *err) {
    return call(step->op->again != NULL ? step->op->again : step->op->forward, step, err);
}

ek_status eki_call_backward(eki_step *step, ek_error *err) { return call(step->op->backward, step, err); }

ek_status eki_call_commit(eki_step *step, ek_error *err) {
    return step->op->commit != NULL ? call(step->op->commit, step, err) : EK_OK;
}

void eki_call_release(eki_step *step) {
    if (step->op->release != NULL) step->op->release(step);
}
