/* fuzz_model.c: whatever a model file says, loading, inspecting, folding, unfolding, converting and comparing it give
 * results or errors. */
#include "driver.h"
#include "mutate.h"
#include "net_seeds.h"
#include "surgery/surgery.h"

#include <stdio.h>
#include <string.h>

enum { SEEDS = 60 };

static unsigned long loaded, folds; /* how far the inputs came */

/* What makes another model: the result is a model, or there is a reason. */
static void change(ek_model *model) {
    static ek_error err;
    ek_unfold_options unfolding = ek_unfold_options_default();
    ek_convert_options converting = ek_convert_options_default();
    ek_edit_report *report;
    ek_model *changed;
    double drift;
    if (!fuzz_failed(ek_unfold(model, &unfolding, &changed, &report, &err), "unfold", &err)) {
        ek_edit_report_destroy(report);
        ek_model_destroy(changed);
    }
    converting.opset = 21;
    converting.norm = EK_TO_FROZEN;
    if (fuzz_failed(ek_convert(model, &converting, &changed, &report, &drift, &err), "convert", &err)) return;
    ek_edit_report_destroy(report);
    ek_model_destroy(changed);
}

static void examine(const ek_model *model) {
    static ek_error err;
    ek_inspection *inspection;
    ek_edit_report *report;
    ek_model *folded;
    ek_diff *diff;
    if (fuzz_failed(ek_inspect(model, &inspection, &err), "inspect", &err)) return;
    ek_inspection_destroy(inspection);
    if (fuzz_failed(ek_fold(model, &folded, &report, &err), "fold", &err)) return;
    ek_edit_report_destroy(report);
    folds++;
    if (!fuzz_failed(ek_diff_models(model, folded, &diff, &err), "diff", &err)) ek_diff_destroy(diff);
    ek_model_destroy(folded);
}

static void run(const uint8_t *data, size_t size) {
    static ek_error err;
    ek_model *model;
    err.text[0] = '\0';
    if (fuzz_failed(eki_model_load_bytes(data, size, "fuzz", &model, &err), "load", &err)) return;
    loaded++;
    examine(model);
    change(model);
    ek_model_destroy(model);
}

static void seeds(fuzz_each *each, void *context) { random_net_seeds(SEEDS, each, context); }

static bool came_far(void) {
    printf("%d graphs: %lu files loaded, %lu folded\n", (int)SEEDS, loaded, folds);
    return loaded >= 2 * (unsigned long)SEEDS && folds >= (unsigned long)SEEDS;
}

const fuzz_target fuzz_here = {.name = "fuzz_model",
                               .corpus = "corpus",
                               .pack = "corpus.pack",
                               .packed = 500,
                               .changes = 12,
                               .run = run,
                               .seeds = seeds,
                               .mutate = fuzz_change,
                               .came_far = came_far};
