/* gap.c: the likely cause of a gap between training and inference, as text and as JSON; the library finds it. */
#include "gap.h"

#include "inputs.h"
#include "print.h"
#include "watch.h"

#include <string.h>

static void show_stage(void *context, const char *what) {
    watch *w = context;
    watch_end(w);
    watch_start(w, what);
}

ek_status gap_measure(const arguments *args, const ek_model *model, ek_diagnosis *d, ek_error *err) {
    ek_diagnose_options o = ek_diagnose_options_default();
    ek_dataset *data = NULL;
    ek_error ignored = {0};
    watch w;
    const char *spec = option_text(args, "data");
    ek_status status = data_open_unlabelled(args, spec, data_split(args), model, &data, err);
    if (status != EK_OK) return status;
    tell_layout(args, model);
    o.batch = option_int(args, "batch");
    o.threads = (int)option_int(args, "threads");
    o.labelled = data_fits(args, model, data, spec, &ignored) == EK_OK;
    o.stage = show_stage;
    o.progress = watch_progress;
    o.context = &w;
    watch_start(&w, "measuring");
    status = ek_diagnose(model, data, &o, d, err);
    watch_end(&w);
    ek_dataset_close(data);
    return status;
}

int gap_found(const ek_diagnosis *d) { return strcmp(d->code, "none") != 0; }

static void show_accuracy(const char *what, const ek_eval_result *r) {
    if (r->images == 0)
        print("  %-32s none: they are damaged\n", what);
    else
        print("  %-32s accuracy %6.2f %%  loss %.4f\n", what, 100 * r->accuracy, r->loss);
}

void gap_show(const ek_diagnosis *d) {
    print("on %lld images, each norm behind norms that fit them:\n", (long long)d->images);
    for (size_t i = 0; i < ek_recalibration_count(d->norms); i++) {
        const ek_recalibrated *row = ek_recalibration_row(d->norms, i);
        if (row->updated)
            print("  %s %s: mean off by %.3g deviations (at most %.3g), variance x %.3g to %.3g\n",
                  d->off[i] ? "!" : " ", row->norm, row->shift_mean, row->shift_max, row->ratio_min, row->ratio_max);
        else
            print("    %s: not measured: %s\n", row->norm, row->text);
    }
    if (d->labelled) {
        show_accuracy("with the running statistics", &d->running);
        show_accuracy("with those of each batch", &d->batch);
        show_accuracy("with those of all this data", &d->recalibrated);
        print("  %-32s %.2f %%\n", "differences by chance up to", 100 * d->noise);
    }
    if (gap_found(d))
        print("likely cause of a gap: %s: %s\n", d->code, d->cause);
    else
        print("likely cause of a gap: %s\n", d->cause);
    if (d->detail[0] != 0) print("        %s\n", d->detail);
    if (d->remedy[0] != 0) print("        -> %s\n", d->remedy);
}

static void put_norms(eki_json *json, const ek_diagnosis *d) {
    eki_json_array(json, "norms");
    for (size_t i = 0; i < ek_recalibration_count(d->norms); i++) {
        const ek_recalibrated *row = ek_recalibration_row(d->norms, i);
        eki_json_object(json, NULL);
        eki_json_text(json, "norm", row->norm);
        eki_json_bool(json, "off", d->off[i]);
        eki_json_real(json, "shift_mean", row->shift_mean);
        eki_json_real(json, "shift_max", row->shift_max);
        eki_json_real(json, "variance_ratio_min", row->ratio_min);
        eki_json_real(json, "variance_ratio_max", row->ratio_max);
        eki_json_close(json);
    }
    eki_json_close(json);
}

void gap_put(eki_json *json, const ek_diagnosis *d) {
    eki_json_object(json, "data");
    eki_json_int(json, "images", d->images);
    if (d->labelled) {
        eki_json_real(json, "accuracy_running", d->running.accuracy);
        eki_json_real(json, "accuracy_batch", d->batch.accuracy);
        eki_json_real(json, "accuracy_recalibrated", d->recalibrated.accuracy);
        eki_json_real(json, "accuracy_noise", d->noise);
    }
    eki_json_text(json, "code", d->code);
    eki_json_text(json, "cause", d->cause);
    eki_json_text(json, "detail", d->detail);
    eki_json_text(json, "remedy", d->remedy);
    eki_json_real(json, "initial_share", d->initial);
    eki_json_real(json, "initial_updates", d->initial_updates);
    eki_json_int(json, "counted_updates", d->counted);
    eki_json_real(json, "distance", d->distance);
    eki_json_real(json, "distance_initial", d->distance_initial);
    eki_json_real(json, "input_gain", d->gain);
    eki_json_real(json, "input_offset", d->offset);
    eki_json_real(json, "batch_size", d->batch_size);
    put_norms(json, d);
    eki_json_close(json);
}
