/* plan_tail.c: which norms and convolutions take in the residual add and the ReLU behind them.
 *
 * The norm library writes relu(norm(x) + residual) in one pass over memory, forward and backward, where three operators
 * would take three. A norm gets a tail when nobody else reads what lies between, and when the residual is there by the
 * time the norm runs: of two norms that meet in an addition, the later one takes it. A convolution that needs no
 * gradient does the same with more functions (plan_activation.c), within its primitive where it can (op/op_bound.h).
 *
 * A Reshape takes in the Transpose and the Reshape behind it where the three shuffle channels.
 */
#include "graph/plan_tail.h"

#include <stdlib.h>
#include <string.h>

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

static void count_uses(eki_tail_finder *f) {
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

/* Whether `add` adds to `value` a tensor of its shape that is computed before `norm` runs. */
static bool adds_residual(const eki_tail_finder *f, const eki_node *norm, const eki_node *add, const eki_value *value,
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

static void find_tail(const eki_tail_finder *f, const eki_node *node) {
    eki_tail_plan *tail = &f->tails->of[node->id];
    const eki_value *value = node->out[0];
    const eki_node *next = eki_only_user(f, value);
    if (f->known[value->id].constant != NULL) return;
    if (next != NULL && adds_residual(f, node, next, value, &tail->residual)) {
        tail->last = next;
        f->tails->absorbed[next->id] = true;
        value = next->out[0];
    } else {
        tail->residual = NULL;
    }
    eki_activation_find(f, value, node->op == EKI_OP_Conv, tail);
}

static bool known_shape(const eki_tail_finder *f, const eki_value *value, eki_shape *shape) {
    int64_t count;
    *shape = f->known[value->id].shape;
    return f->known[value->id].constant == NULL && eki_shape_count(shape, &count) && count > 0;
}

/* [N, C, ...] seen as [N, groups, C / groups, ...]. */
static bool splits_channels(const eki_shape *x, const eki_shape *split) {
    bool fits = x->rank >= 3 && x->rank <= 5 && split->rank >= 4 && split->dims[0] == x->dims[0];
    return fits && split->dims[1] > 0 && split->dims[1] * split->dims[2] == x->dims[1];
}

static bool swaps_groups(const eki_node *node) {
    const int64_t *perm;
    size_t count;
    bool swaps = node->op == EKI_OP_Transpose && eki_node_ints(node, "perm", &perm, &count) && count >= 4;
    for (size_t i = 0; swaps && i < count; i++) swaps = perm[i] == (int64_t)(i == 1 ? 2 : i == 2 ? 1 : i);
    return swaps;
}

static void find_shuffle(const eki_tail_finder *f, const eki_node *node) {
    eki_shape x, split, y;
    const eki_node *swap = eki_only_user(f, node->out[0]);
    if (swap == NULL || !swaps_groups(swap) || swap->out[0] == NULL) return;
    const eki_node *join = eki_only_user(f, swap->out[0]);
    if (join == NULL || join->op != EKI_OP_Reshape || join->in[0] != swap->out[0] || join->out[0] == NULL) return;
    if (node->in[0] == NULL || f->known[node->in[0]->id].dtype != EK_F32) return;
    if (!known_shape(f, node->in[0], &x) || !known_shape(f, node->out[0], &split) || !known_shape(f, join->out[0], &y))
        return;
    if (!splits_channels(&x, &split) || !eki_shape_equal(&x, &y)) return;
    f->tails->of[node->id] = (eki_tail_plan){.shuffle = split.dims[1], .last = join};
    f->tails->absorbed[swap->id] = f->tails->absorbed[join->id] = f->tails->shuffles = true;
}

static void find_in(const eki_tail_finder *f, const eki_node *node) {
    if (!f->request->part.nodes[node->id]) return;
    if (is_norm(node) || is_lone_conv(f->request, node)) find_tail(f, node);
    if (node->op == EKI_OP_Reshape && node->out[0] != NULL) find_shuffle(f, node);
}

ek_status eki_tails_find(const eki_plan_request *request, const eki_known *known, eki_tails *tails, ek_error *err) {
    const eki_graph *graph = request->graph;
    eki_tail_finder f = {.request = request, .known = known, .tails = tails};
    tails->of = eki_calloc(graph->n_nodes + 1, sizeof *tails->of);
    tails->absorbed = eki_calloc(graph->n_nodes + 1, sizeof *tails->absorbed);
    f.uses = eki_calloc(graph->n_values + 1, sizeof *f.uses);
    f.user = eki_calloc(graph->n_values + 1, sizeof *f.user);
    f.position = eki_calloc(graph->n_nodes + 1, sizeof *f.position);
    bool good = tails->of != NULL && tails->absorbed != NULL && f.uses != NULL && f.user != NULL && f.position != NULL;
    if (good) {
        count_uses(&f);
        for (size_t i = 0; i < graph->n_nodes; i++) find_in(&f, graph->nodes[i]);
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
