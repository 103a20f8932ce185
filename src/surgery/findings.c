/* findings.c: what is odd about a norm or a model, how bad it is and what to do. docs/surgery.md lists the codes. */
#include "surgery/inspect.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

ek_status eki_find(ek_inspection *in, ek_severity severity, const char *code, const char *norm, const char *remedy,
                   ek_error *err, const char *format, ...) {
    char text[512];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (!eki_grow((void **)&in->findings, &in->room, in->n_findings + 1, sizeof *in->findings)) {
        return eki_fail_nomem(err, sizeof *in->findings);
    }
    const char *copy = eki_arena_strdup(&in->arena, text);
    if (copy == NULL) return eki_fail_nomem(err, sizeof text);
    in->findings[in->n_findings++] = (ek_finding){severity, code, norm, copy, remedy, -1};
    return EK_OK;
}

void eki_find_at(ek_inspection *in, size_t from, int64_t norm) {
    for (size_t i = from; i < in->n_findings; i++) in->findings[i].norm_index = norm;
}

const eki_tensor *eki_norm_parameter(const ek_model *model, const char *name) {
    const eki_value *value = name[0] != '\0' ? eki_graph_find(model->graph, name) : NULL;
    return value != NULL && value->init != NULL && value->init->dtype == EK_F32 ? value->init : NULL;
}

#define RECALIBRATE "evenkeel recalibrate measures them on data"

/* What is looked at, for every check. */
typedef struct look {
    ek_inspection *in;
    const ek_norm_seen *seen;
    const eki_node *node;
    const eki_uses *uses;
    const eki_tensor *scale, *mean, *variance;
    ek_error *err;
} look;

static ek_status check_finite(const look *l) {
    const ek_norm_seen *s = l->seen;
    int64_t bad = s->scale.nonfinite + s->bias.nonfinite + s->mean.nonfinite + s->variance.nonfinite;
    if (bad > 0) {
        EKI_TRY(eki_find(l->in, EK_SEVERE, "not-finite", s->name,
                         "load an earlier checkpoint; where only the statistics are hurt, " RECALIBRATE, l->err,
                         "%" PRId64 " values are NaN or infinite (scale %" PRId64 ", bias %" PRId64 ", mean %" PRId64
                         ", variance %" PRId64 ")",
                         bad, s->scale.nonfinite, s->bias.nonfinite, s->mean.nonfinite, s->variance.nonfinite));
    }
    if (s->variance.count == 0 || s->variance.minimum >= 0) return EK_OK;
    return eki_find(l->in, EK_SEVERE, "negative-variance", s->name, RECALIBRATE, l->err,
                    "the smallest variance is %g: no variance is negative", s->variance.minimum);
}

static ek_status check_updated(const look *l) {
    const ek_range *m = &l->seen->mean, *v = &l->seen->variance;
    bool initial = m->count > 0 && v->count > 0 && m->minimum == 0 && m->maximum == 0 && v->minimum == 1 &&
                   v->maximum == 1 && m->nonfinite + v->nonfinite == 0;
    if (!initial) return EK_OK;
    return eki_find(l->in, EK_WARNING, "never-updated", l->seen->name, RECALIBRATE, l->err,
                    "mean is 0 and variance 1 in all %" PRId64 " channels: the statistics were never updated",
                    m->count);
}

/* A variance at epsilon or below is epsilon's; one just above it is still bent by it. */
static ek_status check_variance(const look *l) {
    double epsilon = l->seen->norm.epsilon;
    int64_t under = 0, near = 0, all = l->variance == NULL ? 0 : eki_count(l->variance);
    for (int64_t i = 0; i < all; i++) {
        double v = eki_at(l->variance, i);
        under += v >= 0 && v <= epsilon;
        near += v > epsilon && v <= 10 * epsilon;
    }
    if (near > 0) {
        EKI_TRY(eki_find(l->in, EK_NOTE, "near-epsilon", l->seen->name,
                         "keep epsilon as it is when the model is changed or written by other tools", l->err,
                         "%" PRId64 " of %" PRId64
                         " channels have a variance of at most ten epsilon (%g): epsilon shrinks them by 5 %% or more",
                         near, all, epsilon));
    }
    if (under == 0) return EK_OK;
    return eki_find(l->in, EK_WARNING, "small-variance", l->seen->name,
                    "the channel is constant on the training data; " RECALIBRATE, l->err,
                    "%" PRId64 " of %" PRId64
                    " channels have a variance of at most epsilon (%g): epsilon decides there",
                    under, all, epsilon);
}

/* Scales of next to nothing, and scales that are large against the deviation. */
static ek_status check_scale(const look *l) {
    int64_t dead = 0, loud = 0, n = l->scale == NULL ? 0 : eki_count(l->scale);
    double most = 0;
    bool batch = l->variance != NULL && eki_count(l->variance) == n;
    for (int64_t i = 0; i < n; i++) {
        double scale = fabs(eki_at(l->scale, i));
        dead += scale < 1e-6;
        if (!batch) continue;
        double gain = scale / sqrt(eki_at(l->variance, i) + l->seen->norm.epsilon);
        loud += gain > 1000;
        if (gain > most) most = gain;
    }
    if (dead > 0) {
        EKI_TRY(eki_find(l->in, EK_NOTE, "dead-channels", l->seen->name, "they can be cut from the layers beside it",
                         l->err, "%" PRId64 " of %" PRId64 " channels have a scale of next to nothing (below 1e-6)",
                         dead, n));
    }
    if (loud == 0) return EK_OK;
    return eki_find(l->in, EK_WARNING, "amplified", l->seen->name,
                    "evenkeel fold checks what it does to the outputs; quantize with care", l->err,
                    "%" PRId64 " of %" PRId64
                    " channels are amplified more than a thousandfold (|scale| / deviation up to %g)",
                    loud, n, most);
}

static ek_status check_mode(const look *l) {
    double m = l->seen->norm.momentum;
    if (l->seen->training) {
        EKI_TRY(eki_find(l->in, EK_WARNING, "training-mode", l->seen->name,
                         "evenkeel convert --inference sets it to its running statistics", l->err,
                         "the node takes the statistics of each batch (%s): other runtimes refuse or differ",
                         eki_graph_opset(l->in->model->graph, "") >= 14 ? "training_mode = 1"
                                                                        : "by is_test or its outputs"));
    }
    if (l->seen->norm.kind != EK_NORM_BATCH || m >= 0.5 || eki_node_attr(l->node, "momentum") == NULL) return EK_OK;
    return eki_find(
        l->in, EK_WARNING, "momentum", l->seen->name,
        "ONNX's momentum is what is kept, PyTorch's 0.1 is 0.9 here; evenkeel convert --from torch turns it round",
        l->err, "momentum %g looks like PyTorch's: training would keep only %g of the old statistics each step", m, m);
}

static ek_status check_group(const look *l) {
    int64_t opset = eki_node_opset(l->in->model->graph, l->node);
    const ek_model_norm *n = &l->seen->norm;
    if (n->kind != EK_NORM_GROUP || l->node->op != EKI_OP_GroupNormalization || opset >= 21) return EK_OK;
    return eki_find(l->in, EK_WARNING, "group-norm-18", l->seen->name,
                    "evenkeel convert --opset 21 gives it a scale for each channel", l->err,
                    "at opset %" PRId64 " a scale stands for a group (%" PRId64 " groups, %" PRId64
                    " scales): deprecated, and other tools take it as one for a channel",
                    opset, n->groups, l->seen->scale.count);
}

static ek_status check_neighbour(const look *l) {
    const eki_value *x = l->node->n_in > 0 ? l->node->in[0] : NULL;
    const eki_node *conv = x == NULL ? NULL : x->producer;
    bool layer = eki_is_op(conv, EKI_OP_Conv) || eki_is_op(conv, EKI_OP_ConvTranspose) || eki_is_op(conv, EKI_OP_Gemm);
    if (l->seen->norm.kind != EK_NORM_BATCH || !layer || conv->n_in < 3 || conv->in[2] == NULL) {
        return EK_OK;
    }
    if (l->uses->count[x->id] != 1) return EK_OK;
    return eki_find(l->in, EK_NOTE, "redundant-bias", l->seen->name,
                    "leave the bias out when training anew; evenkeel fold merges it", l->err,
                    "the %s before it has a bias ('%.100s'), which the norm takes away again",
                    conv->op == EKI_OP_Gemm ? "product" : "convolution", conv->in[2]->name);
}

static ek_status check_shared(const look *l) {
    if (l->seen->norm.mean[0] == '\0') return EK_OK;
    const eki_value *mean = eki_graph_find(l->in->model->graph, l->seen->norm.mean);
    if (mean == NULL || l->uses->count[mean->id] < 2) return EK_OK;
    return eki_find(l->in, EK_WARNING, "shared-statistics", l->seen->name,
                    "give each norm a mean and variance of its own", l->err,
                    "its mean is read %d times: one set of statistics for several places", l->uses->count[mean->id]);
}

ek_status eki_find_in_norm(ek_inspection *in, size_t index, const eki_node *node, const eki_uses *uses, ek_error *err) {
    static ek_status (*const checks[])(const look *) = {check_finite, check_updated, check_variance,  check_scale,
                                                        check_mode,   check_group,   check_neighbour, check_shared};
    const ek_norm_seen *seen = &in->norms[index];
    size_t from = in->n_findings;
    look l = {.in = in, .seen = seen, .node = node, .uses = uses, .err = err};
    l.scale = eki_norm_parameter(in->model, seen->norm.scale);
    l.mean = eki_norm_parameter(in->model, seen->norm.mean);
    l.variance = eki_norm_parameter(in->model, seen->norm.variance);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) EKI_TRY(checks[i](&l));
    eki_find_at(in, from, (int64_t)index);
    return EK_OK;
}

ek_status eki_find_in_model(ek_inspection *in, ek_error *err) {
    int before = 0, after = 0;
    if (eki_lists_weights(in->model->graph) && in->model->graph->ir_version >= 4) {
        EKI_TRY(eki_find(in, EK_NOTE, "weights-as-inputs", "", "export it again without them, where you can", err,
                         "every initializer is also a graph input, so that runtimes may not take it as constant; here "
                         "all count as constants"));
    }
    int64_t opset = eki_graph_opset(in->model->graph, "");
    if (opset > EKI_OPSET_KNOWN) {
        EKI_TRY(eki_find(
            in, EK_WARNING, "newer-opset", "",
            "export it at opset 23 or below, or hold its results against "
            "another runtime's",
            err, "opset %" PRId64 " is newer than %d, the newest known here: operators are taken as they are there",
            opset, EKI_OPSET_KNOWN));
    }
    for (size_t i = 0; i < in->n_norms; i++) {
        before += in->norms[i].place == EK_SEEN_BEFORE;
        after += in->norms[i].place == EK_SEEN_AFTER;
    }
    if (before == 0 || after == 0) return EK_OK;
    return eki_find(in, EK_NOTE, "mixed-placement", "", "nothing is wrong; know it when you compare with papers", err,
                    "%d norms stand before their activation, %d after it", before, after);
}
