/* gap.c: the distance between training and inference, and what it likely comes from.
 *
 * A norm in training sees the statistics of the batch, in inference those that it kept. Where accuracy differs between
 * the two, the kept ones are not those of the data, and the norm at which that begins tells why.
 */
#include "gap.h"

#include "inputs.h"
#include "message.h"
#include "watch.h"

#include <math.h>
#include <string.h>

/* Deviations, and a factor of the variance, from which a layer counts as off. */
static const double far_mean = 0.25, far_variance = 1.5;
static const double clear = 0.02; /* of accuracy */

static ek_status evaluate(const arguments *args, ek_model *model, const ek_dataset *data, int batch_statistics,
                          const char *what, ek_eval_result *result, ek_error *err) {
    ek_eval_options o = ek_eval_options_default();
    watch w;
    o.batch = option_int(args, "batch");
    o.threads = (int)option_int(args, "threads");
    o.batch_statistics = batch_statistics;
    o.progress = watch_progress;
    o.context = &w;
    watch_start(&w, what);
    ek_status status = ek_evaluate(model, data, &o, result, err);
    watch_end(&w);
    return status;
}

static int is_off(const ek_recalibrated *row) {
    return row->updated &&
           (row->shift_mean > far_mean || row->ratio_max > far_variance || row->ratio_min < 1 / far_variance);
}

/* The first norm whose statistics are not those of the data; -1 = none. */
static long first_off(const gap *g, size_t *count) {
    long first = -1;
    *count = 0;
    for (size_t i = 0; i < ek_recalibration_count(g->shift); i++) {
        if (!is_off(ek_recalibration_row(g->shift, i))) continue;
        if (first < 0) first = (long)i;
        ++*count;
    }
    return first;
}

static int never_updated(const ek_model *model) {
    ek_inspection *in = NULL;
    ek_error ignored = {0};
    int found = 0;
    if (ek_inspect(model, &in, &ignored) != EK_OK) return 0;
    for (size_t i = 0; i < ek_inspection_finding_count(in); i++)
        found |= strcmp(ek_inspection_finding(in, i)->code, "never-updated") == 0;
    ek_inspection_destroy(in);
    return found;
}

static void say(gap *g, const char *cause, const char *remedy) {
    g->cause = cause;
    g->remedy = remedy;
}

/* Where the statistics are wrong. */
static void judge_statistics(gap *g, const ek_model *model, long first) {
    if (never_updated(model))
        say(g, "statistics that were never measured (mean 0, variance 1)", "evenkeel recalibrate measures them");
    else if (first == 0)
        say(g, "another input than in training: other images, or another mean and deviation, from the first norm on",
            "check how the images are normalized; if they are right, evenkeel recalibrate adapts the model");
    else
        say(g,
            "statistics that lag behind the weights: a momentum too near 1, a training too short, or statistics "
            "frozen while weights were trained; the input itself is as in training",
            "evenkeel recalibrate measures them");
}

static void judge(gap *g, const ek_model *model) {
    size_t off = 0;
    long first = first_off(g, &off);
    const ek_recalibrated *row = first >= 0 ? ek_recalibration_row(g->shift, (size_t)first) : NULL;
    say(g, "none: the running statistics fit the data", "");
    if (row != NULL)
        snprintf(g->detail, sizeof g->detail, "%zu of %zu norms are off, the first is %.80s (mean by %.2g deviations)",
                 off, ek_recalibration_count(g->shift), row->norm, row->shift_mean);
    if (!g->labelled) {
        if (row != NULL) judge_statistics(g, model, first);
        return;
    }
    double best = fmax(g->batch.accuracy, g->recalibrated.accuracy), gain = best - g->running.accuracy;
    if (gain > clear && row != NULL)
        judge_statistics(g, model, first);
    else if (gain > clear)
        say(g, "statistics that are a little off in many channels", "evenkeel recalibrate measures them");
    else if (g->running.accuracy - g->batch.accuracy > clear)
        say(g, "batches too small for statistics of their own, which inference does not use",
            "nothing, for inference; train with larger batches, or group norm");
    else if (row != NULL)
        say(g, "none in accuracy, though the running statistics differ from the data's", "");
}

static ek_status measure(const arguments *args, ek_model *model, ek_model *copy, const ek_dataset *data, gap *g,
                         ek_error *err) {
    ek_recalibrate_options o = ek_recalibrate_options_default();
    ek_error ignored = {0};
    watch w;
    g->images = ek_dataset_describe(data).count;
    g->labelled = data_fits(model, data, option_text(args, "data"), &ignored) == EK_OK;
    ek_status status = EK_OK;
    if (g->labelled) status = evaluate(args, model, data, 0, "running statistics", &g->running, err);
    if (status == EK_OK && g->labelled) status = evaluate(args, model, data, 1, "batch statistics", &g->batch, err);
    if (status != EK_OK) return status;
    o.batch = option_int(args, "batch");
    o.threads = (int)option_int(args, "threads");
    o.progress = watch_progress;
    o.context = &w;
    watch_start(&w, "measuring");
    status = ek_recalibrate(copy, data, &o, &g->shift, err);
    watch_end(&w);
    if (status == EK_OK && g->labelled)
        status = evaluate(args, copy, data, 0, "statistics of the data", &g->recalibrated, err);
    if (status == EK_OK) judge(g, model);
    return status;
}

ek_status gap_measure(const arguments *args, const char *path, gap *g, ek_error *err) {
    ek_model *model = NULL, *copy = NULL;
    ek_dataset *data = NULL;
    memset(g, 0, sizeof *g);
    ek_status status = model_open(path, &model, err);
    if (status == EK_OK) status = model_open(path, &copy, err);
    /* What is frozen is measured, too. */
    ek_model *both[2] = {model, copy};
    for (int i = 0; i < 2 && status == EK_OK && ek_model_norm_count(model) > 0; i++)
        status = ek_model_freeze(both[i], "*", 0, 0, NULL, err);
    if (status == EK_OK)
        status = data_open_unlabelled(args, option_text(args, "data"), data_split(args), model, &data, err);
    if (status == EK_OK) status = measure(args, model, copy, data, g, err);
    ek_dataset_close(data);
    ek_model_destroy(copy);
    ek_model_destroy(model);
    return status;
}

void gap_free(gap *g) { ek_recalibration_destroy(g->shift); }

static void show_accuracy(const char *what, const ek_eval_result *r) {
    printf("  %-32s accuracy %6.2f %%  loss %.4f\n", what, 100 * r->accuracy, r->loss);
}

void gap_show(const gap *g) {
    printf("on %lld images, each norm behind norms that fit them:\n", (long long)g->images);
    for (size_t i = 0; i < ek_recalibration_count(g->shift); i++) {
        const ek_recalibrated *row = ek_recalibration_row(g->shift, i);
        if (row->updated)
            printf("  %s %s: mean off by %.3g deviations (at most %.3g), variance x %.3g to %.3g\n",
                   is_off(row) ? "!" : " ", row->norm, row->shift_mean, row->shift_max, row->ratio_min, row->ratio_max);
        else
            printf("    %s: not measured: %s\n", row->norm, row->text);
    }
    if (g->labelled) {
        show_accuracy("with the running statistics", &g->running);
        show_accuracy("with those of each batch", &g->batch);
        show_accuracy("with those of all this data", &g->recalibrated);
    }
    printf("likely cause of a gap: %s\n", g->cause);
    if (g->detail[0] != 0) printf("        %s\n", g->detail);
    if (g->remedy[0] != 0) printf("        -> %s\n", g->remedy);
}

void gap_put(eki_json *json, const gap *g) {
    eki_json_object(json, "data");
    eki_json_int(json, "images", g->images);
    if (g->labelled) {
        eki_json_real(json, "accuracy_running", g->running.accuracy);
        eki_json_real(json, "accuracy_batch", g->batch.accuracy);
        eki_json_real(json, "accuracy_recalibrated", g->recalibrated.accuracy);
    }
    eki_json_text(json, "cause", g->cause);
    eki_json_text(json, "detail", g->detail);
    eki_json_text(json, "remedy", g->remedy);
    eki_json_array(json, "norms");
    for (size_t i = 0; i < ek_recalibration_count(g->shift); i++) {
        const ek_recalibrated *row = ek_recalibration_row(g->shift, i);
        eki_json_object(json, NULL);
        eki_json_text(json, "norm", row->norm);
        eki_json_bool(json, "off", is_off(row));
        eki_json_real(json, "shift_mean", row->shift_mean);
        eki_json_real(json, "shift_max", row->shift_max);
        eki_json_real(json, "variance_ratio_min", row->ratio_min);
        eki_json_real(json, "variance_ratio_max", row->ratio_max);
        eki_json_close(json);
    }
    eki_json_close(json);
    eki_json_close(json);
}
