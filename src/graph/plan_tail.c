/* plan_tail.c: which norms and convolutions take in the residual add and the ReLU behind them.
 *
 * The norm library writes relu(norm(x) + residual) in one pass over memory, forward and backward, where three operators
 * would take three. A norm gets a tail when nobody else reads what lies between, and when the residual is there by the
 * time the norm runs: of two norms that meet in an addition, the later one takes it. A convolution that needs no
 * gradient does the same, within its primitive where it can (op/op_bound.h: oneDNN's ReLU makes 0 of NaN).
 */
#include "graph/plan.h"

#include <stdlib.h>
#include <string.h>

typedef struct finder {
    const eki_plan_request *request;
    const eki_known *known;
    eki_tails *tails;
    int *uses;             /* of each value, by needed nodes and as outputs */
    const eki_node **user; /* one of them */
    int *position;         /* of each node in the order of execution */
} finder;

static bool is_norm(const eki_node *node) {
    for (int k = 1; k < node->n_out; k++) {
        if (node->out[k] != NULL) return false;
    }
    return eki_op_has(node->op, EKI_NORM);
}

static bool is_lone_conv(const eki_plan_request *request, const eki_node *node) {
    bool gradients = request->options->backward || request->options->mode == EKI_MODE_TRAINING;
    return !gradients && node->op == EKI_OP_Conv;
}

static void count_uses(finder *f) {
    const eki_graph *graph = f->request->graph;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        f->position[node->id] = (int)i;
        for (int k = 0; k < node->n_in && f->request->part.nodes[node->id]; k++) {
            if (node->in[k] == NULL) continue;
            f->uses[node->in[k]->id]++;
            f->user[node->in[k]->id] = node;
        }
    }
    for (size_t i = 0; i < f->request->n_outputs; i++) f->uses[f->request->outputs[i]->id] += 2;
}

/* The only reader of a value, or NULL. */
static const eki_node *only_user(const finder *f, const eki_value *value) {
    return f->uses[value->id] == 1 ? f->user[value->id] : NULL;
}

/* Whether `add` adds to `value` a tensor of its shape that is computed before `norm` runs. */
static bool adds_residual(const finder *f, const eki_node *norm, const eki_node *add, const eki_value *value,
                          eki_value **residual) {
    if (!eki_op_has(add->op, EKI_SUM) || add->n_in != 2 || add->out[0] == NULL) return false;
    if (add->in[0] == NULL || add->in[1] == NULL || add->in[0] == add->in[1]) return false;
    *residual = add->in[0] == value ? add->in[1] : add->in[0];
    const eki_known *a = &f->known[value->id], *b = &f->known[(*residual)->id];
    bool alike = a->dtype == EK_F32 && b->dtype == EK_F32 && eki_shape_equal(&a->shape, &b->shape);
    const eki_node *producer = (*residual)->producer;
    bool there = producer == NULL ? (*residual)->init == NULL : f->position[producer->id] < f->position[norm->id];
    return alike && there && b->constant == NULL;
}

static void find_tail(const finder *f, const eki_node *node) {
    eki_tail_plan *tail = &f->tails->of[node->id];
    const eki_value *value = node->out[0];
    const eki_node *next = only_user(f, value);
    if (f->known[value->id].constant != NULL) return;
    if (next != NULL && adds_residual(f, node, next, value, &tail->residual)) {
        tail->last = next;
        f->tails->absorbed[next->id] = true;
        value = next->out[0];
        next = only_user(f, value);
    } else {
        tail->residual = NULL;
    }
    if (next == NULL || next->op != EKI_OP_Relu || next->out[0] == NULL) return;
    tail->relu = true;
    tail->last = next;
    f->tails->absorbed[next->id] = true;
}

ek_status eki_tails_find(const eki_plan_request *request, const eki_known *known, eki_tails *tails, ek_error *err) {
    const eki_graph *graph = request->graph;
    finder f = {.request = request, .known = known, .tails = tails};
    tails->of = eki_calloc(graph->n_nodes + 1, sizeof *tails->of);
    tails->absorbed = eki_calloc(graph->n_nodes + 1, sizeof *tails->absorbed);
    f.uses = eki_calloc(graph->n_values + 1, sizeof *f.uses);
    f.user = eki_calloc(graph->n_values + 1, sizeof *f.user);
    f.position = eki_calloc(graph->n_nodes + 1, sizeof *f.position);
    bool good = tails->of != NULL && tails->absorbed != NULL && f.uses != NULL && f.user != NULL && f.position != NULL;
    if (good) {
        count_uses(&f);
        for (size_t i = 0; i < graph->n_nodes; i++) {
            const eki_node *node = graph->nodes[i];
            bool takes = is_norm(node) || is_lone_conv(request, node);
            if (request->part.nodes[node->id] && takes) find_tail(&f, node);
        }
    }
    free(f.uses);
    free(f.user);
    free(f.position);
    return good ? EK_OK : eki_fail_nomem(err, graph->n_nodes * sizeof *tails->of);
}

void eki_tails_free(eki_tails *tails) {
    free(tails->of);
    free(tails->absorbed);
}
