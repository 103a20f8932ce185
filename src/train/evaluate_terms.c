/* evaluate_terms.c: the loss of a model over a set, as ek_train_options.losses have it.
 *
 * Sums and weights of all batches are added in file order, so that the size of a batch changes no more than the last
 * bits; a loss from a file counts as the mean of its batch's examples.
 */
#include "train/evaluate_terms.h"
#include "graph/precision.h"
#include "train/measurement.h"
#include "train/trainer.h"

#include <inttypes.h>
#include <stdlib.h>

typedef struct evaluation {
    const ek_model *model;
    const ek_dataset *dataset;
    const ek_eval_options *options;
    ek_eval_result *result;
    eki_objective *objective;
    eki_exec *exec;
    uint8_t *switches;
    ek_loader *loader;
    eki_intake intake;
    double *sums, *weights; /* of each term */
    ek_error *err;
} evaluation;

static ek_status open_exec(evaluation *e) {
    const ek_eval_options *o = e->options;
    bool bf16;
    EKI_TRY(eki_precision(o->precision, &bf16, e->err));
    EKI_TRY(eki_objective_create(e->model, o->terms, o->term_count, o->head, false, &e->objective, e->err));
    if (o->measurement != NULL) eki_objective_show(e->objective);
    if (o->measurement != NULL) EKI_TRY(eki_measurement_open(o->measurement, e->objective, e->err));
    EKI_TRY(eki_model_switches(e->model, &e->switches, e->err));
    EKI_TRY(eki_objective_switches(e->objective, &e->switches, e->err));
    eki_exec_options options = {.mode = (eki_mode)o->mode,
                                .threads = o->threads,
                                .bf16 = bf16,
                                .norm_switches = e->switches,
                                .outputs = e->objective->outputs,
                                .n_outputs = e->objective->n_outputs};
    return eki_exec_create(e->objective->graph, &options, &e->exec, e->err);
}

static ek_status open_loader(evaluation *e) {
    ek_loader_options o = ek_loader_options_default();
    ek_dataset_info info = ek_dataset_describe(e->dataset);
    const eki_value *input = eki_model_image_input(e->model);
    bool fixed = input != NULL && input->shape.rank > 0 && input->shape.dims[0] > 0;
    o.batch = fixed ? input->shape.dims[0] : e->options->batch;
    if (e->options->use_metadata && info.channels > 0)
        EKI_TRY(eki_model_moments(e->model, info.channels, o.mean, o.std, e->err));
    EKI_TRY(ek_loader_create(e->dataset, &o, &e->loader, e->err));
    return ek_loader_start_epoch(e->loader, 0, 0, e->err);
}

static ek_status one_batch(evaluation *e, const ek_batch *batch) {
    ek_dataset_info images = ek_dataset_describe(e->dataset);
    EKI_TRY(eki_objective_prepare(e->objective, e->exec, e->model, batch, &images, &e->intake, e->err));
    eki_exec_plan(e->exec)->sample_ids = batch->ids;
    eki_exec_plan(e->exec)->samples = batch->count;
    eki_objective_feed(e->objective, e->exec, batch, &e->intake);
    EKI_TRY(eki_exec_forward(e->exec, e->err));
    if (e->options->measurement != NULL)
        EKI_TRY(eki_measurement_add(e->options->measurement, e->objective, e->exec, e->err));
    if (e->options->losses != NULL)
        eki_objective_rows(e->objective, e->exec, batch->count, e->options->losses + e->result->images);
    e->result->correct += eki_objective_total(e->objective, e->exec, batch->count, e->sums, e->weights);
    e->result->images += batch->count;
    return EK_OK;
}

static ek_status all_batches(evaluation *e) {
    ek_batch batch;
    int64_t total = ek_dataset_describe(e->dataset).count;
    for (;;) {
        EKI_TRY(ek_loader_next(e->loader, &batch, e->err));
        if (batch.count == 0) return EK_OK;
        EKI_TRY(one_batch(e, &batch));
        if (e->options->progress == NULL) continue;
        if (e->options->progress(e->options->context, e->result->images, total) != 0) {
            return eki_fail(e->err, EK_ERR_INTERRUPTED,
                            "evaluation was stopped after %" PRId64 " of %" PRId64 " examples", e->result->images,
                            total);
        }
    }
}

static ek_status run(evaluation *e) {
    EKI_TRY(open_exec(e));
    EKI_TRY(open_loader(e));
    e->sums = eki_calloc(e->objective->count, sizeof *e->sums);
    e->weights = eki_calloc(e->objective->count, sizeof *e->weights);
    if (e->sums == NULL || e->weights == NULL) return eki_fail_nomem(e->err, e->objective->count);
    EKI_TRY(all_batches(e));
    for (size_t i = 0; i < e->objective->count; i++) {
        double weight = e->objective->terms[i].loss.weight;
        if (e->weights[i] > 0) e->result->loss += weight * e->sums[i] / e->weights[i];
    }
    if (e->result->images > 0) e->result->accuracy = (double)e->result->correct / (double)e->result->images;
    return EK_OK;
}

ek_status eki_evaluate_terms(const ek_model *model, const ek_dataset *dataset, const ek_eval_options *options,
                             ek_eval_result *result, ek_error *err) {
    evaluation e = {.model = model, .dataset = dataset, .options = options, .result = result, .err = err};
    if (options->logits != NULL || options->judgements != NULL || options->sample > 0) {
        return eki_fail(err, EK_ERR_ARG, "logits, judgements and sample are for classifiers, not with terms");
    }
    ek_status status = run(&e);
    ek_loader_destroy(e.loader);
    eki_exec_destroy(e.exec);
    eki_objective_free(e.objective);
    free(e.switches);
    free(e.sums);
    free(e.weights);
    return status;
}
