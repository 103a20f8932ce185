/* objective.c: the graph with the losses behind the model, and what is refused before anything is computed. */
#include "train/objective.h"

#include "base/file.h"
#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {"?", "cross-entropy", "bce", "mse", "mae", "huber", "a graph"};

static ek_status check_numbers(const ek_loss *loss, ek_error *err) {
    bool classes = loss->kind == EK_LOSS_CROSS_ENTROPY || loss->kind == EK_LOSS_BCE;
    const char *kind = kinds[loss->kind];
    if (!isfinite(loss->weight) || loss->weight < 0 || !isfinite(loss->delta) || loss->delta < 0) {
        return eki_fail(err, EK_ERR_ARG, "loss %s: weight %g and delta %g; expected numbers above 0, or 0 for 1", kind,
                        loss->weight, loss->delta);
    }
    if (!(loss->label_smoothing >= 0 && loss->label_smoothing < 1)) {
        return eki_fail(err, EK_ERR_ARG, "loss %s: label_smoothing is %g, expected 0 to below 1", kind,
                        loss->label_smoothing);
    }
    if (!classes && (loss->label_smoothing > 0 || loss->class_weights != NULL)) {
        return eki_fail(err, EK_ERR_ARG,
                        "loss %s: label smoothing and class weights are for cross-entropy and bce, which have classes",
                        kind);
    }
    for (size_t i = 0; loss->class_weights != NULL && i < loss->class_count; i++) {
        if (isfinite(loss->class_weights[i]) && loss->class_weights[i] >= 0) continue;
        return eki_fail(err, EK_ERR_ARG, "loss %s: the weight of class %zu is %g, expected a number of 0 or more", kind,
                        i, (double)loss->class_weights[i]);
    }
    return EK_OK;
}

static ek_status check_loss(const ek_loss *loss, ek_error *err) {
    if ((int)loss->kind < EK_LOSS_CROSS_ENTROPY || loss->kind > EK_LOSS_GRAPH) {
        return eki_fail(err, EK_ERR_ARG, "loss: kind %d is none of ek_loss_kind", (int)loss->kind);
    }
    EKI_TRY(check_numbers(loss, err));
    if ((loss->kind == EK_LOSS_GRAPH) != (loss->graph != NULL)) {
        return eki_fail(err, EK_ERR_ARG, "loss %s: a graph is given with EK_LOSS_GRAPH, and only then",
                        kinds[loss->kind]);
    }
    if (loss->target == NULL && loss->kind != EK_LOSS_CROSS_ENTROPY && loss->kind != EK_LOSS_GRAPH) {
        return eki_fail(err, EK_ERR_ARG,
                        "loss %s needs a target: the name of an array of numbers; labels are classes, for "
                        "cross-entropy",
                        kinds[loss->kind]);
    }
    return EK_OK;
}

/* Cross-entropy and bce take what a last Softmax or Sigmoid takes. */
static const eki_value *scores_of(const eki_value *output, ek_loss_kind kind) {
    const eki_node *last = output->producer;
    if (kind == EK_LOSS_CROSS_ENTROPY) return eki_logits_behind(output);
    bool sigmoid = kind == EK_LOSS_BCE && last != NULL && last->op == EKI_OP_Sigmoid;
    return sigmoid && last->n_in > 0 && last->in[0] != NULL ? last->in[0] : output;
}

static ek_status check_classes(const eki_term *term, ek_error *err) {
    const eki_shape *shape = &term->scores->shape;
    int64_t classes = shape->rank > 1 ? shape->dims[1] : -1;
    if (term->loss.class_weights == NULL || classes < 0 || (size_t)classes == term->loss.class_count) return EK_OK;
    return eki_fail(err, EK_ERR_SHAPE, "output '%s' has %" PRId64 " classes, but there are %zu class weights",
                    term->name, classes, term->loss.class_count);
}

/* The caller's text and numbers may be gone when they are used. */
static ek_status keep(eki_graph *graph, eki_term *term, ek_error *err) {
    ek_loss *loss = &term->loss;
    eki_size size = eki_size_of(loss->class_count, sizeof *loss->class_weights);
    if (loss->target != NULL) term->array = eki_arena_strdup(&graph->arena, loss->target);
    if (loss->class_weights != NULL) loss->class_weights = eki_arena_memdup(&graph->arena, loss->class_weights, size);
    if ((loss->target != NULL && term->array == NULL) || (loss->class_count > 0 && loss->class_weights == NULL)) {
        return eki_fail_nomem(err, size.bytes);
    }
    loss->target = term->array;
    if (loss->weight == 0) loss->weight = 1;
    if (loss->delta == 0) loss->delta = 1;
    return EK_OK;
}

static ek_status add_term(eki_objective *o, const ek_model *model, const ek_loss *loss, const char *head,
                          ek_error *err) {
    eki_term *term = &o->terms[o->count++];
    const eki_value *output;
    EKI_TRY(check_loss(loss, err));
    term->loss = *loss;
    EKI_TRY(keep(o->graph, term, err));
    if (loss->kind == EK_LOSS_GRAPH) {
        term->name = loss->graph->graph->path;
        return eki_term_append(o->graph, term, o->own_values, err);
    }
    EKI_TRY(eki_logits_head(model, loss->output != NULL ? loss->output : head, &output, err));
    term->name = term->loss.output = output->name;
    term->scores = o->graph->values[scores_of(output, loss->kind)->id];
    o->from_labels = o->from_labels || term->array == NULL;
    EKI_TRY(check_classes(term, err));
    return eki_term_build(o->graph, term, o->mixed && term->array == NULL, err);
}

static ek_status fill(eki_objective *o, const ek_model *model, const ek_loss *losses, size_t count, const char *head,
                      ek_error *err) {
    EKI_TRY(eki_graph_again(model->graph, &o->graph, err));
    /* What no loss needs may be wrong; what one needs is looked at again. */
    if (eki_graph_infer(o->graph, NULL, err) == EK_ERR_NOMEM) return EK_ERR_NOMEM;
    o->own_values = o->graph->n_values;
    o->own_nodes = o->graph->n_nodes;
    o->terms = eki_calloc(count, sizeof *o->terms);
    o->outputs = eki_calloc(count, sizeof(const char *[3]));
    if (o->terms == NULL || o->outputs == NULL) return eki_fail_nomem(err, count * sizeof *o->terms);
    for (size_t i = 0; i < count; i++) EKI_TRY(add_term(o, model, &losses[i], head, err));
    for (size_t i = 0; i < count; i++) {
        eki_term *term = &o->terms[i];
        term->value_at = o->n_outputs++;
        o->outputs[term->value_at] = term->value->name;
        if (term->judged == NULL) continue;
        term->judged_at = o->n_outputs++;
        o->outputs[term->judged_at] = term->judged->name;
    }
    return EK_OK;
}

void eki_objective_show(eki_objective *o) {
    for (size_t i = 0; i < o->count; i++) {
        eki_term *term = &o->terms[i];
        if (term->scores == NULL) continue;
        term->scores_at = 0;
        while (term->scores_at < o->n_outputs && strcmp(o->outputs[term->scores_at], term->scores->name) != 0)
            term->scores_at++;
        if (term->scores_at == o->n_outputs) o->outputs[o->n_outputs++] = term->scores->name;
    }
}

ek_status eki_objective_create(const ek_model *model, const ek_loss *losses, size_t count, const char *head, bool mixed,
                               eki_objective **out, ek_error *err) {
    *out = NULL;
    eki_objective *o = eki_calloc(1, sizeof *o);
    if (o == NULL) return eki_fail_nomem(err, sizeof *o);
    o->mixed = mixed;
    ek_status status = fill(o, model, losses, count, head, err);
    if (status != EK_OK) {
        eki_objective_free(o);
        return status;
    }
    *out = o;
    return EK_OK;
}

void eki_objective_free(eki_objective *o) {
    if (o == NULL) return;
    eki_graph_destroy(o->graph);
    free(o->terms);
    free(o->outputs);
    free(o);
}

ek_status eki_objective_switches(const eki_objective *o, uint8_t **switches, ek_error *err) {
    uint8_t *longer = eki_calloc(o->graph->n_nodes + 1, 1);
    if (longer == NULL) return eki_fail_nomem(err, o->graph->n_nodes + 1);
    memcpy(longer, *switches, o->own_nodes);
    free(*switches);
    *switches = longer;
    return EK_OK;
}

uint32_t eki_objective_print(const eki_objective *o) {
    uint32_t crc = 0;
    for (size_t i = 0; i < o->count; i++) {
        const ek_loss *loss = &o->terms[i].loss;
        const double numbers[] = {(double)loss->kind, loss->weight, loss->label_smoothing, loss->delta,
                                  o->terms[i].share != NULL};
        crc = eki_crc32c(crc, o->terms[i].value->name, strlen(o->terms[i].value->name));
        crc = eki_crc32c(crc, numbers, sizeof numbers);
        if (loss->class_weights != NULL)
            crc = eki_crc32c(crc, loss->class_weights, loss->class_count * sizeof *loss->class_weights);
    }
    return crc;
}

/* ---- Does a gradient lead from a loss to a parameter? ---- */

typedef struct trace {
    bool *reached;        /* by value id */
    const eki_node *stop; /* a node without a gradient on the way */
} trace;

static void follow(trace *t, const eki_graph *graph, const eki_node *node) {
    const eki_op *op = eki_op_find(node->op, eki_node_opset(graph, node));
    bool any = false;
    for (int k = 0; k < node->n_out; k++) any = any || (node->out[k] != NULL && t->reached[node->out[k]->id]);
    if (!any || op == NULL) return;
    if (op->diff_inputs == 0 && node->n_in > 0) t->stop = node;
    for (int k = 0; k < node->n_in; k++) {
        if (node->in[k] != NULL && (op->diff_inputs >> (k > 31 ? 31 : k) & 1) != 0) t->reached[node->in[k]->id] = true;
    }
}

static bool leads(trace *t, const eki_graph *graph, const eki_value *value, const eki_exec *exec) {
    memset(t->reached, 0, graph->n_values);
    t->stop = NULL;
    t->reached[value->id] = true;
    for (size_t i = graph->n_nodes; i-- > 0;) follow(t, graph, graph->nodes[i]);
    for (size_t i = 0; i < eki_exec_parameter_count(exec); i++) {
        if (t->reached[eki_exec_parameter(exec, i)->value->id]) return true;
    }
    return false;
}

ek_status eki_objective_trace(const eki_objective *o, const eki_exec *exec, ek_error *err) {
    char label[192];
    trace t = {.reached = eki_calloc(o->graph->n_values + 1, sizeof *t.reached)};
    if (t.reached == NULL) return eki_fail_nomem(err, o->graph->n_values);
    ek_status status = EK_OK;
    for (size_t i = 0; i < o->count && status == EK_OK; i++) {
        if (leads(&t, o->graph, o->terms[i].value, exec)) continue;
        status = eki_fail(err, EK_ERR_UNSUPPORTED, "loss %s: no gradient leads from it to a weight of the model%s%s",
                          o->terms[i].name, t.stop != NULL ? ": there is none through " : "",
                          t.stop != NULL ? eki_node_label(t.stop, label) : "");
    }
    free(t.reached);
    return status;
}

/* ---- Are the values what they should be? ---- */

static ek_status check_number(const eki_term *term, const eki_view *value, ek_error *err) {
    char text[192];
    if (value->dtype == EK_F32 && eki_view_elements(value) == 1 && value->shape.rank < 2) return EK_OK;
    return eki_fail(err, EK_ERR_SHAPE,
                    "%s: the loss is %s of shape %s, expected one float32 number; end it with ReduceMean", term->name,
                    eki_dtype_name(value->dtype), eki_shape_text(NULL, &value->shape, text));
}

/* Scores, targets and losses have one shape, which begins with the examples. */
static ek_status check_elements(const eki_term *term, const eki_view *value, const eki_shape *whole,
                                const eki_shape *target, int64_t rows, ek_error *err) {
    char found[192], wanted[192];
    if (whole->rank < 1 || whole->dims[0] != rows) {
        return eki_fail(err, EK_ERR_SHAPE, "output '%s' has shape %s; expected %" PRId64 " examples first", term->name,
                        eki_shape_text(NULL, whole, found), rows);
    }
    if (eki_shape_equal(whole, &value->shape) && eki_shape_equal(whole, target)) return EK_OK;
    return eki_fail(
        err, EK_ERR_SHAPE, "target '%s' has shape %s, output '%s' %s; expected the same (numpy: target.reshape(%s))",
        term->array, eki_shape_text(NULL, target, found), term->name, eki_shape_text(NULL, whole, wanted), wanted);
}

eki_view eki_objective_input(const eki_value *input, eki_exec *exec) {
    size_t at = 0;
    while (eki_exec_input_value(exec, at) != input) at++;
    return eki_exec_input(exec, at);
}

eki_view eki_objective_target(const eki_term *term, eki_exec *exec) { return eki_objective_input(term->target, exec); }

ek_status eki_objective_check(const eki_objective *o, eki_exec *exec, int64_t rows, ek_error *err) {
    for (size_t i = 0; i < o->count; i++) {
        const eki_term *term = &o->terms[i];
        eki_view value = eki_exec_output(exec, term->value_at), judged, target;
        if (term->scores == NULL) {
            EKI_TRY(check_number(term, &value, err));
            continue;
        }
        judged = eki_exec_output(exec, term->judged_at);
        target = eki_objective_target(term, exec);
        eki_shape whole = target.shape; /* of cross-entropy, whose operator has looked at the scores */
        bool classes = term->loss.kind == EK_LOSS_CROSS_ENTROPY;
        if (!classes) whole = eki_shape_of((int)judged.shape.dims[0], judged.data);
        EKI_TRY(check_elements(term, &value, &whole, &target.shape, rows, err));
    }
    return EK_OK;
}
