/* convert_fit.c: scale and bias of converted norms, found on data.
 *
 * y is what the old norm gave in the old model. A group norm gives s u + b, u being its own output with scale 1 and
 * bias 0; a batch norm or a frozen one gives s u + b of its input u. Least squares per channel:
 *
 *     s = cov(u, y) / var(u),   b = mean(y) - s mean(u)
 *
 * Norms are fitted one behind the other, as recalibration does: what a norm reads comes from norms that are done, and
 * what it should give comes from the old model. Sums are merged in f64, example by example.
 */
#include "surgery/convert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct fit {
    eki_converter *c;
    ek_model *models[2]; /* before, after */
    ek_session *sessions[2];
    const char **outputs[2];
    size_t n_outputs;
    eki_inputs inputs; /* of the batch at hand */
    int64_t total;     /* examples */
    int pass, passes;
    double worst, scale; /* of the logits, in the last pass */
    ek_error *err;
} fit;

static bool reads_input(const eki_conversion *item) {
    return item->target == EK_TO_BATCH || item->target == EK_TO_FROZEN;
}

/* As recalibration has them: the number of new norms on the longest way to a norm. */
static ek_status find_levels(fit *f) {
    const eki_graph *graph = f->models[1]->graph;
    int *depth = eki_calloc(graph->n_values + 1, sizeof *depth);
    if (depth == NULL) return eki_fail_nomem(f->err, graph->n_values * sizeof *depth);
    for (size_t k = 0; k < f->c->count; k++) f->c->items[k].level = -1; /* those in nested graphs keep it */
    for (size_t i = 0; i < graph->n_nodes; i++) {                       /* sorted */
        const eki_node *node = graph->nodes[i];
        int most = 0;
        for (int k = 0; k < node->n_in; k++) {
            if (node->in[k] != NULL && depth[node->in[k]->id] > most) most = depth[node->in[k]->id];
        }
        for (size_t k = 0; k < f->c->count; k++) {
            eki_conversion *item = &f->c->items[k];
            if (node->n_out < 1 || node->out[0] == NULL || strcmp(node->out[0]->name, item->output) != 0) continue;
            if (item->fits) item->level = most++;
        }
        for (int k = 0; k < node->n_out; k++) {
            if (node->out[k] != NULL) depth[node->out[k]->id] = most;
        }
        if (most > f->passes) f->passes = most;
    }
    free(depth);
    return EK_OK;
}

static void set_channel(const eki_conversion *item, int part, int64_t channel, double value) {
    ((float *)item->part[part]->init->data)[channel] = (float)value;
}

/* The norms of this pass, with scale 1 and bias 0, and what is to be looked at in both models. */
static void choose(fit *f) {
    f->n_outputs = 0;
    for (size_t i = 0; i < f->c->count; i++) {
        const eki_conversion *item = &f->c->items[i];
        if (item->level != f->pass) continue;
        for (int64_t k = 0; k < item->channels; k++) {
            set_channel(item, 1, k, 1);
            set_channel(item, 2, k, 0);
        }
        bool fed =
            ek_model_input_count(f->models[1]) > 0 && strcmp(ek_model_input(f->models[1], 0).name, item->input) == 0;
        f->outputs[0][f->n_outputs] = item->output;
        /* A graph input cannot be asked for; it is what the feed has. */
        f->outputs[1][f->n_outputs++] = reads_input(item) && !fed ? item->input : item->output;
    }
    if (f->pass < f->passes) return;
    f->outputs[0][0] = f->outputs[1][0] = ek_model_logits(f->models[0]);
    f->n_outputs = 1;
}

static ek_status open_sessions(fit *f) {
    for (int m = 0; m < 2; m++) {
        ek_session_options o = ek_session_options_default();
        o.threads = f->c->options->threads;
        o.outputs = f->outputs[m];
        o.output_count = f->n_outputs;
        ek_session_destroy(f->sessions[m]);
        f->sessions[m] = NULL;
        EKI_TRY(ek_session_create(f->models[m], &o, &f->sessions[m], f->err));
    }
    return EK_OK;
}

static void add_values(eki_pair_moment *m, const float *u, const float *y, int64_t count) {
    double n = (double)count, su = 0, sy = 0, uu = 0, uy = 0, yy = 0;
    for (int64_t i = 0; i < count; i++) su += (double)u[i], sy += (double)y[i];
    double mu = su / n, my = sy / n;
    for (int64_t i = 0; i < count; i++) {
        double du = (double)u[i] - mu, dy = (double)y[i] - my;
        uu += du * du;
        uy += du * dy;
        yy += dy * dy;
    }
    double all = m->count + n, gu = mu - m->mean_u, gy = my - m->mean_y, weight = m->count * n / all;
    m->uu += uu + gu * gu * weight;
    m->uy += uy + gu * gy * weight;
    m->yy += yy + gy * gy * weight;
    m->mean_u += gu * (n / all);
    m->mean_y += gy * (n / all);
    m->count = all;
}

static ek_status add_norm(fit *f, const eki_conversion *item, size_t index, int64_t examples) {
    ek_array y = ek_session_output(f->sessions[0], index), u = ek_session_output(f->sessions[1], index);
    if (reads_input(item) && strcmp(f->outputs[1][index], item->output) == 0) u = f->inputs.arrays[0];
    int64_t space = 1;
    for (int i = 2; i < y.rank; i++) space *= y.dims[i];
    bool same = y.rank >= 2 && u.rank == y.rank && y.dtype == EK_F32 && u.dtype == EK_F32;
    for (int i = 0; same && i < y.rank; i++) same = u.dims[i] == y.dims[i];
    if (!same || y.dims[1] != item->channels || y.dims[0] < examples) {
        return eki_fail(f->err, EK_ERR_SHAPE, "norm '%s': old and new one do not have the same shape", item->name);
    }
    for (int64_t n = 0; space > 0 && n < examples; n++) {
        for (int64_t k = 0; k < item->channels; k++) {
            int64_t at = (n * item->channels + k) * space;
            add_values(&item->moments[k], (const float *)u.data + at, (const float *)y.data + at, space);
        }
    }
    return EK_OK;
}

static ek_status add_logits(fit *f, int64_t examples) {
    ek_array a = ek_session_output(f->sessions[0], 0), b = ek_session_output(f->sessions[1], 0);
    int64_t each = 1;
    for (int i = 1; i < a.rank; i++) each *= a.dims[i];
    if (a.dtype != EK_F32 || b.dtype != EK_F32 || a.rank < 1 || b.rank < 1 || a.dims[0] < examples ||
        b.dims[0] != a.dims[0])
        return EK_OK;
    for (int64_t i = 0; i < examples * each; i++) {
        double x = (double)((const float *)a.data)[i], y = (double)((const float *)b.data)[i];
        f->worst = fmax(f->worst, fabs(x - y));
        f->scale = fmax(f->scale, fabs(x));
    }
    return EK_OK;
}

static ek_status fit_norm(const fit *f, eki_conversion *item) {
    bool batch = item->target == EK_TO_BATCH;
    for (int64_t k = 0; k < item->channels; k++) {
        const eki_pair_moment *m = &item->moments[k];
        double slope = m->uu > 0 ? m->uy / m->uu : 0, variance = m->uu / m->count;
        double bias = m->mean_y - slope * m->mean_u;
        if (!(m->count >= 2) || !isfinite(slope) || !isfinite(bias)) {
            return eki_fail(f->err, m->count >= 2 ? EK_ERR_NONFINITE : EK_ERR_SHAPE, "norm '%s': channel %lld %s",
                            item->name, (long long)k,
                            m->count >= 2 ? "is not finite on the data" : "has fewer than two values; use more data");
        }
        set_channel(item, 1, k, batch ? slope * sqrt(variance + item->epsilon) : slope);
        set_channel(item, 2, k, batch ? m->mean_y : bias);
        if (!batch) continue;
        set_channel(item, 3, k, m->mean_u);
        set_channel(item, 4, k, variance);
    }
    return EK_OK;
}

/* What the fit leaves unexplained of the old norm's variance: 0 = the same function of the data. */
static double unexplained(const eki_conversion *item) {
    double left = 0, all = 0;
    for (int64_t k = 0; k < item->channels; k++) {
        const eki_pair_moment *m = &item->moments[k];
        left += m->yy - (m->uu > 0 ? m->uy * m->uy / m->uu : 0);
        all += m->yy;
    }
    return all > 0 ? fmax(left, 0) / all : 0;
}

static ek_status run_batch(fit *f, int64_t examples) {
    size_t index = 0;
    for (int m = 0; m < 2; m++) EKI_TRY(ek_session_run(f->sessions[m], f->inputs.arrays, f->inputs.count, f->err));
    if (f->pass == f->passes) return add_logits(f, examples);
    for (size_t i = 0; i < f->c->count; i++) {
        if (f->c->items[i].level == f->pass) EKI_TRY(add_norm(f, &f->c->items[i], index++, examples));
    }
    return EK_OK;
}

static ek_status run_pass(fit *f) {
    const ek_convert_options *o = f->c->options;
    const eki_examples *examples = f->c->examples;
    int64_t count, seen = 0;
    choose(f);
    EKI_TRY(open_sessions(f));
    EKI_TRY(examples->start(examples->context, &f->total, f->err));
    for (;;) {
        EKI_TRY(examples->next(examples->context, &f->inputs, &count, f->err));
        if (count == 0) break;
        EKI_TRY(run_batch(f, count));
        seen += count;
        if (o->progress != NULL &&
            o->progress(o->context, f->pass * f->total + seen, (f->passes + 1) * f->total) != 0) {
            return eki_fail(f->err, EK_ERR_INTERRUPTED, "the conversion was stopped");
        }
    }
    for (size_t i = 0; i < f->c->count; i++) {
        eki_conversion *item = &f->c->items[i];
        if (item->level != f->pass) continue;
        EKI_TRY(fit_norm(f, item));
        EKI_TRY(eki_report_append(f->c->report, item->name, f->err, "; %.3g %% of the old one's variance is lost",
                                  100 * unexplained(item)));
    }
    return EK_OK;
}

ek_status eki_convert_fit(eki_converter *c, ek_model *before, ek_model *after) {
    fit f = {.c = c, .models = {before, after}, .err = c->err};
    for (int m = 0; m < 2; m++) f.outputs[m] = eki_calloc(c->count + 1, sizeof *f.outputs[m]);
    bool room = f.outputs[0] != NULL && f.outputs[1] != NULL;
    ek_status status = room ? find_levels(&f) : eki_fail_nomem(c->err, c->count * sizeof *f.outputs[0]);
    /* Data that the model does not take is told before anything is fitted. */
    if (status == EK_OK) status = c->examples->start(c->examples->context, &f.total, c->err);
    for (; status == EK_OK && f.pass <= f.passes; f.pass++) status = run_pass(&f);
    if (status == EK_OK) c->drift = f.scale > 0 ? f.worst / f.scale : 0;
    for (int m = 0; m < 2; m++) {
        ek_session_destroy(f.sessions[m]);
        free(f.outputs[m]);
    }
    return status;
}
