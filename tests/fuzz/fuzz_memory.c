/* fuzz_memory.c: whichever allocation fails, a command on a model gives what it would have given, or says that memory
 * ended, and leaks nothing (the address sanitizer watches).
 *
 * The last three bytes of an input say which command (the last), and which allocation. The linker sends our objects'
 * allocations through the __wrap functions; those of libraries are not touched.
 */
#include "driver.h"
#include "feed/intake.h"
#include "image_sets.h"
#include "model/model.h"
#include "mutate.h"
#include "net_seeds.h"

#include "base/random.h"
#include "support/failing.h"

#include <evenkeel/surgery.h>
#include <evenkeel/train.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAIL = 3, RANDOM_NETS = 10, BATCH = 4 };

static unsigned long ended, went_on;

/* ---- the commands ---- */

typedef struct work {
    const uint8_t *data;
    size_t size;
    ek_model *model;
    const ek_dataset *set;
    bool fits; /* the images have the extents that the model takes, which a step does not check */
} work;

static ek_status load(work *w, ek_error *err) {
    ek_model *model;
    ek_status status = eki_model_load_bytes(w->data, w->size, "fuzz", &model, err);
    if (status == EK_OK) ek_model_destroy(model);
    return status;
}

static ek_status inspect(work *w, ek_error *err) {
    ek_inspection *inspection;
    ek_status status = ek_inspect(w->model, &inspection, err);
    if (status == EK_OK) ek_inspection_destroy(inspection);
    return status;
}

static ek_status changed(ek_status status, ek_model *model, ek_edit_report *report) {
    if (status != EK_OK) return status;
    ek_edit_report_destroy(report);
    ek_model_destroy(model);
    return status;
}

static ek_status fold(work *w, ek_error *err) {
    ek_edit_report *report;
    ek_model *model;
    ek_status status = ek_fold(w->model, &model, &report, err);
    return changed(status, model, report);
}

static ek_status convert(work *w, ek_error *err) {
    ek_convert_options options = ek_convert_options_default();
    ek_edit_report *report;
    ek_model *model;
    options.norm = EK_TO_FROZEN;
    ek_status status = ek_convert(w->model, &options, &model, &report, NULL, err);
    return changed(status, model, report);
}

static ek_status eval(work *w, ek_error *err) {
    ek_eval_options options = ek_eval_options_default();
    ek_eval_result result;
    options.batch = BATCH;
    options.threads = 1;
    return ek_evaluate(w->model, w->set, &options, &result, err);
}

static ek_status recalibrate(work *w, ek_error *err) {
    ek_recalibrate_options options = ek_recalibrate_options_default();
    ek_recalibration *report;
    options.batch = BATCH;
    options.threads = 1;
    ek_status status = ek_recalibrate(w->model, w->set, &options, &report, err);
    if (status == EK_OK) ek_recalibration_destroy(report);
    return status;
}

static ek_status train(work *w, ek_error *err) {
    ek_train_options options = ek_train_options_default();
    ek_loader_options loading = ek_loader_options_default();
    ek_trainer *trainer = NULL;
    ek_loader *loader = NULL;
    ek_batch batch;
    if (!w->fits) return EK_OK;
    options.total_steps = options.threads = 1;
    loading.batch = BATCH;
    loading.prefetch = 0;
    ek_status status = ek_trainer_create(w->model, &options, &trainer, err);
    if (status == EK_OK) status = ek_loader_create(w->set, &loading, &loader, err);
    if (status == EK_OK) status = ek_loader_start_epoch(loader, 0, 0, err);
    if (status == EK_OK) status = ek_loader_next(loader, &batch, err);
    if (status == EK_OK) status = ek_trainer_step(trainer, &batch, NULL, err);
    ek_loader_destroy(loader);
    ek_trainer_destroy(trainer);
    return status;
}

/* The status of a command on a model of its own, the allocation `failing` gone wrong. */
static ek_status outcome(work *w, ek_status (*command)(work *, ek_error *), long failing, ek_error *err) {
    if (eki_model_load_bytes(w->data, w->size, "fuzz", &w->model, err) != EK_OK) return err->status;
    w->set = image_set(w->model);
    const ek_dataset_info images = ek_dataset_describe(w->set);
    eki_intake intake;
    w->fits = eki_intake_open(w->model, &images, &intake, err) == EK_OK &&
              intake.each == (int64_t)images.channels * images.height * images.width;
    memset(err, 0, sizeof *err);
    fuzz_leave_room(); /* a sanitizer keeps for a while what was freed */
    countdown = failing;
    ek_status status = command(w, err);
    countdown = -1;
    ek_model_destroy(w->model);
    return status;
}

static void run(const uint8_t *data, size_t size) {
    static ek_status (*const commands[])(work *, ek_error *) = {load, inspect, fold, convert, eval, recalibrate, train};
    static ek_error err;
    if (size < TAIL) return;
    ek_status (*command)(work *, ek_error *) = commands[data[size - 1] % (sizeof commands / sizeof *commands)];
    work w = {.data = data, .size = size - TAIL};
    ek_status usual = outcome(&w, command, -1, &err);
    ek_status status = outcome(&w, command, data[size - 2] + 256L * data[size - 3], &err);
    if (status == EK_ERR_NOMEM) ended++;
    if (status == EK_OK) went_on++;
    if (status != EK_ERR_NOMEM && status != usual) fuzz_stop("another failure than of memory", &err);
    (void)fuzz_failed(status, "out of memory", &err);
}

/* ---- seeds ---- */

typedef struct tailed {
    fuzz_each *each;
    void *context;
} tailed;

static void with_tail(void *context, const uint8_t *data, size_t size) {
    const tailed *t = context;
    uint8_t *whole = calloc(1, size + TAIL);
    if (whole == NULL) return;
    memcpy(whole, data, size);
    t->each(t->context, whole, size + TAIL);
    free(whole);
}

static void seeds(fuzz_each *each, void *context) {
    random_net_seeds(RANDOM_NETS, with_tail, &(tailed){.each = each, .context = context});
}

/* Mostly another allocation or command for the same model. */
static size_t mutate(uint8_t *data, size_t size, size_t room, uint64_t seed) {
    uint8_t tail[TAIL];
    uint64_t mixed = eki_hash(&seed, sizeof seed);
    if (size < TAIL || room < TAIL) return 0;
    size_t kept = size - TAIL;
    memcpy(tail, data + kept, TAIL);
    if (mixed % 8 == 0) kept = fuzz_change(data, kept, room - TAIL, seed);
    if (kept == 0) return 0;
    tail[2] = (uint8_t)(mixed >> 8);
    tail[1] = (uint8_t)(mixed >> 16);
    tail[0] = (uint8_t)((mixed >> 24) % 3);
    memcpy(data + kept, tail, TAIL);
    return kept + TAIL;
}

static bool came_far(void) {
    printf("%lu ended for want of memory, %lu went on\n", ended, went_on);
    return ended > 50 && went_on > 50;
}

const fuzz_target fuzz_here = {.name = "fuzz_memory",
                               .corpus = "corpus-memory",
                               .changes = 80,
                               .run = run,
                               .seeds = seeds,
                               .mutate = mutate,
                               .came_far = came_far};
