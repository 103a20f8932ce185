/* fuzz_run.c: whatever a model file says, every command that reads it with images gives a result or an error: eval,
 * predict, inspect --data, unfold, convert and recalibrate with data, two steps of train and its checkpoint. */
#include "driver.h"
#include "feed/intake.h"
#include "image_sets.h"
#include "model/model.h"
#include "mutate.h"
#include "net_seeds.h"

#include <evenkeel/doctor.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 4, CLASSES = 3, RANDOM_NETS = 20, STEPS = 2 };

static ek_error err;
static unsigned long loaded, evaluated, measured, trained; /* how far the inputs came */

static bool failed(ek_status status, const char *what) { return fuzz_failed(status, what, &err); }

/* ---- the commands ---- */

static void eval(ek_model *model, const ek_dataset *set) {
    ek_eval_options options = ek_eval_options_default();
    ek_eval_result result;
    ek_predictions predictions;
    options.batch = BATCH;
    if (failed(ek_evaluate(model, set, &options, &result, &err), "eval")) return;
    evaluated++;
    options.batch_statistics = 1;
    (void)failed(ek_evaluate(model, set, &options, &result, &err), "eval by batch");
    options = ek_eval_options_default();
    if (!failed(ek_predict(model, set, &options, EK_SCORES_AUTO, &predictions, &err), "predict"))
        ek_predictions_free(&predictions);
}

static void diagnose(const ek_model *model, const ek_dataset *set) {
    ek_diagnose_options options = ek_diagnose_options_default();
    ek_diagnosis diagnosis;
    options.batch = BATCH;
    if (!failed(ek_diagnose(model, set, &options, &diagnosis, &err), "inspect --data")) ek_diagnosis_free(&diagnosis);
}

static void change(ek_model *model, const ek_dataset *set) {
    ek_unfold_options unfolding = ek_unfold_options_default();
    ek_convert_options converting = ek_convert_options_default();
    ek_edit_report *report;
    ek_model *changed;
    unfolding.dataset = converting.dataset = set;
    unfolding.batch = converting.batch = BATCH;
    converting.norm = EK_TO_GROUP;
    converting.groups = 2;
    if (!failed(ek_unfold(model, &unfolding, &changed, &report, &err), "unfold --data")) {
        ek_edit_report_destroy(report);
        ek_model_destroy(changed);
    }
    if (failed(ek_convert(model, &converting, &changed, &report, NULL, &err), "convert --data")) return;
    ek_edit_report_destroy(report);
    ek_model_destroy(changed);
}

static void freeze(ek_model *model) {
    char pattern[320];
    (void)snprintf(pattern, sizeof pattern, "until:%.300s", ek_model_logits(model));
    (void)failed(ek_model_freeze(model, pattern, 0, 0, NULL, &err), "freeze");
}

static void recalibrate(ek_model *model, const ek_dataset *set, int one_pass) {
    ek_recalibrate_options options = ek_recalibrate_options_default();
    ek_recalibration *report;
    options.batch = BATCH;
    options.one_pass = one_pass;
    if (failed(ek_recalibrate(model, set, &options, &report, &err), "recalibrate")) return;
    if (ek_recalibration_count(report) > 0) measured++;
    ek_recalibration_destroy(report);
}

/* What was saved loads again. */
static void checkpoint(const ek_trainer *trainer) {
    char path[64];
    const ek_position position = {.batch = STEPS, .flags = ""};
    ek_checkpoint loaded_again;
    char state[80];
    (void)snprintf(path, sizeof path, "/dev/shm/ek-fuzz-%ld.onnx", (long)getpid());
    (void)snprintf(state, sizeof state, "%s.state", path);
    if (!failed(ek_trainer_save(trainer, path, &position, &err), "save")) {
        if (ek_checkpoint_load(path, &loaded_again, &err) != EK_OK) fuzz_stop("resume", &err);
        ek_checkpoint_free(&loaded_again);
        ek_model_destroy(loaded_again.model);
    }
    (void)unlink(path);
    (void)unlink(state);
}

/* A step takes images of the model's extents, which the command has made sure of. */
static bool fits(const ek_model *model, const ek_dataset_info *data) {
    eki_intake intake;
    return !failed(eki_intake_open(model, data, &intake, &err), "images") &&
           intake.each == (int64_t)data->channels * data->height * data->width;
}

static void train(ek_model *model, const ek_dataset *set) {
    const ek_dataset_info data = ek_dataset_describe(set);
    ek_train_options options = ek_train_options_default();
    ek_loader_options loading = ek_loader_options_default();
    ek_head_options head = ek_head_options_default(CLASSES);
    ek_head_result cut;
    ek_trainer *trainer;
    ek_loader *loader;
    ek_batch batch;
    loading.batch = BATCH;
    loading.prefetch = 0;
    if (!fits(model, &data)) return;
    options.total_steps = STEPS;
    options.height = data.height;
    options.width = data.width;
    if (failed(ek_replace_head(model, &head, &cut, &err), "train --classes")) {
        head.cut = ek_model_logits(model);
        (void)failed(ek_replace_head(model, &head, &cut, &err), "train --cut");
    }
    if (failed(ek_trainer_create(model, &options, &trainer, &err), "train")) return;
    if (ek_loader_create(set, &loading, &loader, &err) != EK_OK) fuzz_stop("loader", &err);
    bool going = ek_loader_start_epoch(loader, 0, 0, &err) == EK_OK;
    for (int step = 0; step < STEPS && going; step++) {
        going = ek_loader_next(loader, &batch, &err) == EK_OK &&
                !failed(ek_trainer_step(trainer, &batch, NULL, &err), "step");
    }
    if (going) trained++;
    if (going) checkpoint(trainer);
    ek_loader_destroy(loader);
    ek_trainer_destroy(trainer);
    if (going) eval(model, set);
}

static void run(const uint8_t *data, size_t size) {
    ek_model *model;
    memset(&err, 0, sizeof err);
    if (failed(eki_model_load_bytes(data, size, "fuzz", &model, &err), "load")) return;
    loaded++;
    const ek_dataset *set = image_set(model);
    eval(model, set);
    diagnose(model, set);
    change(model, set);
    freeze(model);
    (void)failed(ek_set_inference(model, NULL, &err), "inference");
    recalibrate(model, set, (int)(size % 2));
    train(model, set);
    ek_model_destroy(model);
}

/* ---- seeds ---- */

static void seeds(fuzz_each *each, void *context) {
    static const ek_norm_kind kinds[] = {EK_NORM_BATCH, EK_NORM_GROUP, EK_NORM_LAYER};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        ek_build_options options = ek_build_options_default("mlp");
        ek_model *model;
        options.channels = 1;
        options.height = options.width = 4;
        options.classes = CLASSES;
        options.hidden_layers = 2;
        options.hidden_units = 6;
        options.norm = kinds[i];
        options.groups = 2;
        if (ek_model_build(&options, &model, &err) != EK_OK) fuzz_stop("mlp", &err);
        net_seed(model, each, context);
    }
    random_net_seeds(RANDOM_NETS, each, context);
}

static bool came_far(void) {
    printf("%lu models loaded, %lu evaluated, %lu measured, %lu trained\n", loaded, evaluated, measured, trained);
    return evaluated > 10 && measured > 10 && trained > 10;
}

const fuzz_target fuzz_here = {.name = "fuzz_run",
                               .corpus = "corpus",
                               .pack = "corpus.pack",
                               .packed = 500,
                               .changes = 20,
                               .run = run,
                               .seeds = seeds,
                               .mutate = fuzz_change,
                               .came_far = came_far};
