/* unfold.c: a batch norm behind convolutions, so that a model that was folded can be tuned again.
 *
 * Without data the norm is the identity bit by bit: scale 1, bias 0, mean 0, variance 1 - epsilon, so that the
 * deviation is 1. With data mean and variance are those of the convolution's output, scale is the deviation and bias
 * the mean.
 */
#include "surgery/graph_places.h"
#include "surgery/recalibrate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ek_unfold_options ek_unfold_options_default(void) {
    return (ek_unfold_options){.struct_size = sizeof(ek_unfold_options), .pattern = "*", .momentum = 0.9};
}

static bool matches(const char *pattern, const eki_node *node) {
    return eki_glob_matches(pattern, node->name, eki_node_output(node), node->in[1]->name);
}

static bool has_norm(const eki_uses *uses, const eki_node *node) {
    const eki_value *out = node->out[0];
    const eki_node *user = uses->user[out->id]; /* NULL: a nested graph reads it */
    return !out->is_output && uses->count[out->id] == 1 && user != NULL && user->in[0] == out &&
           user->op == EKI_OP_BatchNormalization;
}

static const char *why_not(const eki_node *node, int64_t *channels) {
    const eki_source source = eki_constant_source(node->in[1]);
    const eki_tensor *weight = source.reshaped ? NULL : source.tensor;
    eki_weight shape;
    if (weight == NULL || !eki_weight_of(node, weight, &shape)) return "its weight is no constant";
    if (weight->dtype != EK_F32) return "its weight is not float32";
    *channels = shape.outputs;
    return *channels > 0 ? NULL : "it has no channels";
}

/* Where 1 - epsilon and the sum of both are exact, or round to 1, in the type of the file. */
static double epsilon_for(ek_dtype stored, const ek_unfold_options *options) {
    if (options->epsilon > 0) return options->epsilon;
    return stored == EK_F16 ? 0x1p-10 : stored == EK_BF16 ? 0x1p-7 : 1e-5;
}

static ek_status add_norm(eki_graph *graph, eki_node *op, int64_t channels, const ek_unfold_options *options,
                          ek_error *err) {
    static const char *const roles[] = {"", "norm.scale", "norm.bias", "norm.mean", "norm.variance"};
    ek_dtype stored = eki_constant_source(op->in[1]).tensor->stored; /* a file may have several types */
    float epsilon = (float)epsilon_for(stored, options);
    const double fills[] = {0, 1, 0, 0, 1 - (double)epsilon};
    eki_shape shape = eki_shape_of(1, &channels);
    eki_value *out = op->out[0], *in[5];
    eki_node *norm;
    char name[300];
    double *values = eki_alloc(eki_size_of((size_t)channels + 1, sizeof *values));
    if (values == NULL) return eki_fail_nomem(err, (size_t)channels * sizeof *values);
    ek_status status = EK_OK;
    for (int i = 1; status == EK_OK && i < 5; i++) {
        for (int64_t c = 0; c < channels; c++) values[c] = fills[i];
        status = eki_edit_new(graph, out->name, roles[i], &shape, values, &in[i], err);
        if (status == EK_OK) eki_edit_store(in[i], stored, values);
    }
    free(values);
    EKI_TRY(status);
    EKI_TRY(eki_edit_behind(graph, op, &in[0], err));
    (void)snprintf(name, sizeof name, "%.280s%s", op->name, op->name[0] != '\0' ? ".norm" : "");
    EKI_TRY(eki_graph_add_op(graph, EKI_OP_BatchNormalization, name, in, 5, &out, 1, &norm, err));
    EKI_TRY(eki_node_set_float(graph, norm, "epsilon", epsilon, err));
    EKI_TRY(eki_node_set_float(graph, norm, "momentum", (float)options->momentum, err));
    return eki_edit_inference(graph, norm, err);
}

static ek_status unfold_node(eki_place *place, const eki_uses *uses, eki_node *node, const ek_unfold_options *options,
                             ek_edit_report *report, ek_error *err) {
    char text[EKI_CHAIN_TEXT], full[512];
    int64_t channels = 0;
    bool already = has_norm(uses, node);
    const char *why = already ? "a batch norm follows it already" : why_not(node, &channels);
    const char *name = eki_node_name(node);
    (void)snprintf(text, sizeof text, "a batch norm of %lld channels", (long long)channels);
    EKI_TRY(eki_report_add(report, eki_place_name(place, name, full), why == NULL, why == NULL ? text : why, err));
    if (already) eki_report_already(report);
    place->changed |= why == NULL;
    return why == NULL ? add_norm(place->graph, node, channels, options, err) : EK_OK;
}

static bool is_meant(const char *pattern, const eki_place *place, const eki_node *node) {
    char path[512];
    if (!eki_op_has(node->op, EKI_CONVOLUTION) || !eki_is_product(node)) return false;
    return matches(pattern, node) || eki_glob_matches(pattern, eki_place_name(place, node->name, path), "", "");
}

static ek_status unfold_place(eki_place *place, const ek_unfold_options *options, ek_edit_report *report, size_t *found,
                              ek_error *err) {
    eki_uses uses;
    eki_graph *graph = place->graph;
    size_t nodes = graph->n_nodes;
    EKI_TRY(eki_uses_create(graph, &uses, err));
    ek_status status = EK_OK;
    for (size_t i = 0; status == EK_OK && i < nodes; i++) {
        if (!is_meant(options->pattern, place, graph->nodes[i])) continue;
        ++*found;
        status = unfold_node(place, &uses, graph->nodes[i], options, report, err);
    }
    eki_uses_free(&uses);
    return status;
}

static ek_status unfold_places(eki_places *places, const ek_unfold_options *options, ek_edit_report *report,
                               ek_error *err) {
    size_t found = 0;
    for (size_t i = 0; i < places->count; i++) {
        EKI_TRY(unfold_place(&places->items[i], options, report, &found, err));
        EKI_TRY(eki_graph_sort(places->items[i].graph, err));
    }
    if (found > 0) return EK_OK;
    const char *path = places->items[0].graph->path;
    return eki_fail(err, EK_ERR_ARG,
                    "%s: no convolution matches '%s'; patterns are compared with node names, outputs and weights",
                    path[0] != '\0' ? path : "the model", options->pattern);
}

static ek_status unfold_view(eki_graph *view, const ek_unfold_options *options, ek_edit_report *report, ek_error *err) {
    eki_places places;
    EKI_TRY(eki_places_list(view, &places, err));
    ek_status status = unfold_places(&places, options, report, err);
    if (status == EK_OK) status = eki_graph_resolve(view, err);
    eki_places_free(&places);
    return status;
}

/* ---- measured norms ---- */

static bool is_new(const ek_model *before, const eki_norm_ref *ref) {
    for (size_t i = 0; i < before->n_norms; i++) {
        if (strcmp(before->norms[i].info.output, ref->info.output) == 0) return false;
    }
    return true;
}

/* A norm of a function that is called twice is one tensor for both calls: it stays the identity. */
static bool shares(const ek_model *model, size_t norm) {
    for (size_t i = 0; i < model->n_norms; i++) {
        if (i != norm && strcmp(model->norms[i].info.mean, model->norms[norm].info.mean) == 0) return true;
    }
    return false;
}

typedef struct measuring {
    ek_model *model;
    eki_norm_ref **norms; /* the new ones */
    const char **outputs; /* theirs, which are the convolutions' as long as they are the identity */
    eki_moment **moments; /* of each norm, by channel */
    size_t count;
    eki_arena arena;
    ek_session *session;
} measuring;

static ek_status list_new(measuring *m, const ek_model *before, ek_error *err) {
    size_t n = m->model->n_norms + 1;
    m->norms = eki_arena_alloc(&m->arena, eki_size_of(n, sizeof *m->norms));
    m->outputs = eki_arena_alloc(&m->arena, eki_size_of(n, sizeof *m->outputs));
    m->moments = eki_arena_alloc(&m->arena, eki_size_of(n, sizeof *m->moments));
    if (m->norms == NULL || m->outputs == NULL || m->moments == NULL) return eki_fail_nomem(err, n * sizeof *m->norms);
    for (size_t i = 0; i < m->model->n_norms; i++) {
        eki_norm_ref *ref = &m->model->norms[i];
        if (!is_new(before, ref) || shares(m->model, i)) continue;
        size_t channels = (size_t)ref->info.channels;
        m->norms[m->count] = ref;
        m->outputs[m->count] = ref->info.output;
        m->moments[m->count] = eki_arena_alloc(&m->arena, eki_size_of(channels, sizeof **m->moments));
        if (m->moments[m->count++] == NULL) return eki_fail_nomem(err, channels * sizeof **m->moments);
    }
    return EK_OK;
}

static ek_status add_moments(const measuring *m, size_t i, int64_t examples, ek_error *err) {
    ek_array x = ek_session_output(m->session, i);
    int64_t channels = m->norms[i]->info.channels, space = 1;
    for (int d = 2; d < x.rank; d++) space *= x.dims[d];
    if (x.dtype != EK_F32 || x.rank < 2 || x.dims[1] != channels || x.dims[0] < examples) {
        return eki_fail(err, EK_ERR_SHAPE, "'%s' is not float32 with %lld channels and an example a row", m->outputs[i],
                        (long long)channels);
    }
    for (int64_t n = 0; n < examples; n++) {
        for (int64_t c = 0; c < channels; c++) {
            eki_moment_add(&m->moments[i][c], (const float *)x.data + (n * channels + c) * space, space);
        }
    }
    return EK_OK;
}

static ek_status run_data(measuring *m, const ek_unfold_options *options, const eki_examples *examples, ek_error *err) {
    ek_session_options o = ek_session_options_default();
    int64_t count, total, seen = 0;
    eki_inputs inputs;
    o.threads = options->threads;
    o.outputs = m->outputs;
    o.output_count = m->count;
    EKI_TRY(ek_session_create(m->model, &o, &m->session, err));
    EKI_TRY(examples->start(examples->context, &total, err));
    for (;;) {
        EKI_TRY(examples->next(examples->context, &inputs, &count, err));
        if (count == 0) return EK_OK;
        EKI_TRY(ek_session_run(m->session, inputs.arrays, inputs.count, err));
        for (size_t i = 0; i < m->count; i++) EKI_TRY(add_moments(m, i, count, err));
        seen += count;
        if (options->progress != NULL && options->progress(options->context, seen, total) != 0) {
            return eki_fail(err, EK_ERR_INTERRUPTED, "the measurement was stopped");
        }
    }
}

/* What was measured, and the scale and bias that undo it. */
static ek_status write_norm(const eki_norm_ref *ref, const eki_moment *moments, ek_error *err) {
    float *part[5];
    for (int i = 1; i < 5; i++) part[i] = ref->node->in[i]->init->data;
    for (int64_t c = 0; c < ref->info.channels; c++) {
        double mean = moments[c].mean, variance = moments[c].m2 / moments[c].count;
        if (!(moments[c].count >= 2) || !isfinite(mean) || !isfinite(variance)) {
            return eki_fail(err, moments[c].count >= 2 ? EK_ERR_NONFINITE : EK_ERR_SHAPE, "'%s': channel %lld %s",
                            ref->info.output, (long long)c,
                            moments[c].count >= 2 ? "is not finite on the data"
                                                  : "has fewer than two values; use more data");
        }
        part[3][c] = part[2][c] = (float)mean;
        part[4][c] = (float)variance;
        part[1][c] = (float)sqrt((double)part[4][c] + ref->info.epsilon);
    }
    return EK_OK;
}

static ek_status measure(const ek_model *before, ek_model *model, const ek_unfold_options *options,
                         const eki_examples *examples, ek_error *err) {
    measuring m = {.model = model};
    ek_status status = list_new(&m, before, err);
    if (status == EK_OK && m.count > 0) {
        status = run_data(&m, options, examples, err);
        for (size_t i = 0; status == EK_OK && i < m.count; i++) status = write_norm(m.norms[i], m.moments[i], err);
    }
    ek_session_destroy(m.session);
    eki_arena_free(&m.arena);
    return status;
}

ek_status eki_unfold(const ek_model *model, const ek_unfold_options *o, const eki_examples *examples,
                     ek_model **unfolded, ek_edit_report **report, ek_error *err) {
    eki_graph *view;
    *unfolded = NULL;
    *report = NULL;
    if (!(o->epsilon >= 0 && o->epsilon < 1) || !(o->momentum >= 0 && o->momentum <= 1)) {
        return eki_fail(err, EK_ERR_ARG, "epsilon = %g must be in [0, 1) and momentum = %g in [0, 1]", o->epsilon,
                        o->momentum);
    }
    EKI_TRY(eki_model_wake(model, err));
    EKI_TRY(eki_graph_view(model->document, &view, err));
    ek_status status = eki_report_create(report, err);
    if (status == EK_OK) status = unfold_view(view, o, *report, err);
    if (status == EK_OK) {
        status = eki_model_wrap(view, unfolded, err);
    } else {
        eki_graph_destroy(view);
    }
    if (status == EK_OK && examples != NULL) status = measure(model, *unfolded, o, examples, err);
    if (status == EK_OK) return EK_OK;
    ek_model_destroy(*unfolded);
    ek_edit_report_destroy(*report);
    *unfolded = NULL;
    *report = NULL;
    return status;
}
