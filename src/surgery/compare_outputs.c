/* compare_outputs.c: which values of two models are compared, and how far they are apart. */
#include "surgery/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LAST_NODES = 8 };

/* A last Softmax hides differences; a logarithm or a root has no value for half of the random inputs. */
static bool looks_behind(const eki_node *node) {
    switch (node->op) {
    case EKI_OP_Softmax:
    case EKI_OP_LogSoftmax:
    case EKI_OP_Log:
    case EKI_OP_Sqrt:
    case EKI_OP_Acos:
    case EKI_OP_Acosh:
    case EKI_OP_Asin:
    case EKI_OP_Atanh: return node->n_in > 0 && node->in[0] != NULL;
    default: return false;
    }
}

static bool in_both(const eki_pair *p, const eki_value *value) {
    const eki_value *other = eki_graph_find(p->models[1]->graph, value->name);
    return other != NULL && (other->producer != NULL || other->input_index >= 0);
}

/* The other model must end in the same way. */
static bool ends_alike(const eki_pair *p, const eki_value *value, const eki_node *node) {
    const eki_value *other = eki_graph_find(p->models[1]->graph, value->name);
    const eki_node *last = other != NULL ? other->producer : NULL;
    return last != NULL && last->op == node->op && last->n_in > 0 && last->in[0] != NULL &&
           strcmp(last->in[0]->name, node->in[0]->name) == 0;
}

ek_status eki_pair_outputs(eki_pair *p) {
    const eki_graph *graph = p->models[0]->graph;
    p->outputs = eki_calloc(graph->n_outputs + 1, sizeof *p->outputs);
    if (p->outputs == NULL) return eki_fail_nomem(p->err, graph->n_outputs * sizeof *p->outputs);
    for (size_t i = 0; i < graph->n_outputs; i++) {
        const eki_value *value = graph->outputs[i];
        for (int hops = 0; hops < LAST_NODES && value->producer != NULL; hops++) {
            const eki_node *last = value->producer;
            if (!looks_behind(last) || !ends_alike(p, value, last) || !in_both(p, last->in[0])) break;
            value = last->in[0];
        }
        p->outputs[p->n_outputs++] = value->name;
    }
    return EK_OK;
}

static ek_status not_finite(eki_pair *p, size_t index, bool first, int run) {
    p->blame = first ? EKI_BLAME_FIRST : EKI_BLAME_SECOND;
    return eki_fail(p->err, EK_ERR_NONFINITE, "output '%s' of the %s model is not finite on random input %d",
                    p->outputs[index], first ? "first" : "second", run);
}

/* Numbers of other types are the same or not. */
static double compare_bytes(const ek_array *a, const ek_array *b, int64_t count) {
    return memcmp(a->data, b->data, (size_t)count * eki_dtype_bytes(a->dtype)) == 0 ? 0 : 1;
}

ek_status eki_pair_compare(eki_pair *p, size_t index, int run) {
    ek_array a = ek_session_output(p->sessions[0], index), b = ek_session_output(p->sessions[1], index);
    eki_shape sa = eki_shape_of(a.rank, a.dims), sb = eki_shape_of(b.rank, b.dims);
    int64_t count = 0;
    double worst = 0, scale = 0;
    if (!eki_shape_equal(&sa, &sb) || a.dtype != b.dtype || !eki_shape_count(&sa, &count)) {
        p->blame = EKI_BLAME_SECOND;
        return eki_fail(p->err, EK_ERR_SHAPE, "output '%s' has another shape or type in the second model",
                        p->outputs[index]);
    }
    for (int64_t i = 0; a.dtype == EK_F32 && i < count; i++) {
        double x = (double)((const float *)a.data)[i], y = (double)((const float *)b.data)[i];
        if (!isfinite(x) || !isfinite(y)) return not_finite(p, index, !isfinite(x), run);
        worst = fmax(worst, fabs(x - y));
        scale = fmax(scale, fabs(x));
    }
    double relative = a.dtype != EK_F32 ? compare_bytes(&a, &b, count)
                      : worst == 0      ? 0
                      : scale > 0       ? worst / scale
                                        : HUGE_VAL;
    if (relative > p->result->worst || p->result->output == NULL) {
        p->result->worst = relative;
        p->result->output = p->outputs[index];
    }
    return EK_OK;
}
