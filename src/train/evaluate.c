/* evaluate.c: accuracy and loss of a model over a data set.
 *
 * Examples go through in file order, but for batch statistics and samples. Logits of an example have the same bits in
 * any batch, and losses are added in f64 one by one, so that the result does not depend on the batch size. A model
 * written for one batch size is run at that size, the last batch filled up with its own examples again (batch
 * statistics then are theirs).
 */
#include "base/options.h"
#include "feed/feed.h"
#include "graph/precision.h"
#include "train/evaluate_terms.h"
#include "train/ranks.h"
#include "train/trainer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct evaluation {
    ek_model *model;
    ek_model *view; /* batch statistics: the model without dropout */
    const ek_dataset *dataset;
    ek_eval_options options;
    ek_eval_result *result;
    eki_exec *exec;
    eki_feed feed;
    uint8_t *switches;
    const char *logits;
    double loss_sum;
    eki_record *records; /* ranks: of the examples of this one */
    size_t recorded, room;
    eki_logits_call *take;
    void *taker;
    ek_error *err;
} evaluation;

ek_eval_options ek_eval_options_default(void) {
    return (ek_eval_options){
        .struct_size = sizeof(ek_eval_options), .mode = EK_MODE_INFERENCE, .batch = 256, .use_metadata = 1};
}

static ek_status open_feed(evaluation *e) {
    const eki_feed_options options = {.batch = e->options.batch,
                                      .use_metadata = e->options.use_metadata != 0,
                                      .shuffle = e->options.batch_statistics || e->options.sample > 0,
                                      .limit = e->options.sample,
                                      .rank = ek_comm_rank(e->options.comm),
                                      .ranks = ek_comm_size(e->options.comm)};
    EKI_TRY(eki_feed_open(&e->feed, e->model, e->dataset, &options, e->err));
    return eki_feed_start(&e->feed, e->err);
}

static ek_status open_exec(evaluation *e) {
    const eki_value *head;
    bool bf16;
    EKI_TRY(eki_precision(e->options.precision, &bf16, e->err));
    EKI_TRY(eki_logits_head(e->model, e->options.head, &head, e->err));
    e->logits = eki_logits_behind(head)->name;
    EKI_TRY(eki_model_switches(e->model, &e->switches, e->err));
    eki_exec_options options = {.mode = (eki_mode)e->options.mode,
                                .threads = e->options.threads,
                                .bf16 = bf16,
                                .norm_switches = e->switches,
                                .outputs = &e->logits,
                                .n_outputs = 1};
    EKI_TRY(eki_exec_create(e->model->graph, &options, &e->exec, e->err));
    return eki_sole_input(e->exec, e->err);
}

/* Examples come here one after the other, in their order. */
static void count_one(evaluation *e, int64_t at, const ek_judgement *judgement) {
    e->loss_sum += judgement->loss;
    e->result->correct += judgement->predicted == judgement->label;
    if (e->options.losses != NULL) e->options.losses[at] = judgement->loss;
    if (e->options.judgements != NULL) e->options.judgements[at] = *judgement;
}

/* Of several ranks, each keeps what it knows until all is there. */
static ek_status keep(evaluation *e, int64_t at, const ek_judgement *judgement) {
    if (!eki_grow((void **)&e->records, &e->room, e->recorded + 1, sizeof *e->records))
        return eki_fail_nomem(e->err, (e->recorded + 1) * sizeof *e->records);
    e->records[e->recorded++] = (eki_record){.at = at, .judgement = *judgement};
    return EK_OK;
}

static ek_status judge(evaluation *e, const ek_batch *batch, const float *logits, int64_t classes) {
    EKI_TRY(eki_loss_check_labels(batch->labels, batch->ids, batch->count, classes, e->err));
    bool alone = ek_comm_size(e->options.comm) == 1;
    for (int64_t i = 0; i < batch->count; i++) {
        ek_judgement judgement = eki_judgement_of(logits + i * classes, classes, batch->labels[i]);
        if (alone)
            count_one(e, e->result->images + i, &judgement);
        else
            EKI_TRY(keep(e, batch->index * e->feed.size + batch->first + i, &judgement));
    }
    if (e->options.logits != NULL) {
        memcpy(e->options.logits + e->result->images * classes, logits,
               (size_t)(batch->count * classes) * sizeof(float));
    }
    return EK_OK;
}

static ek_status join_ranks(evaluation *e) {
    ek_judgement *all = eki_alloc(eki_size_of((size_t)e->feed.total, sizeof *all));
    if (all == NULL) return eki_fail_nomem(e->err, (size_t)e->feed.total * sizeof *all);
    ek_status status = eki_judgements_gather(e->options.comm, e->records, e->recorded, all, e->feed.total, e->err);
    for (int64_t i = 0; i < e->feed.total && status == EK_OK; i++) count_one(e, i, &all[i]);
    e->result->images = e->feed.total;
    eki_free(all);
    return status;
}

static ek_status evaluate_batch(evaluation *e) {
    const ek_batch *batch = &e->feed.batch;
    int64_t rows = eki_feed_rows(&e->feed), classes;
    eki_shape shape;
    EKI_TRY(eki_intake_shape(&e->feed.intake, rows, &shape, NULL, e->err));
    EKI_TRY(eki_exec_prepare(e->exec, &shape, e->err));
    EKI_TRY(eki_logits_classes(e->exec, rows, &classes, e->err));
    if (eki_exec_input_needed(e->exec, 0)) eki_feed_fill(&e->feed, eki_exec_input(e->exec, 0).data);
    eki_exec_plan(e->exec)->sample_ids = e->feed.intake.fixed > 0 ? NULL : batch->ids;
    eki_exec_plan(e->exec)->samples = batch->count;
    EKI_TRY(eki_exec_forward(e->exec, e->err));
    const float *logits = eki_exec_output(e->exec, 0).data;
    EKI_TRY(e->take != NULL ? e->take(e->taker, logits, batch->count, classes, e->err)
                            : judge(e, batch, logits, classes));
    e->result->classes = classes;
    e->result->images += batch->count;
    return EK_OK;
}

static ek_status evaluate_all(evaluation *e) {
    EKI_TRY(open_feed(e));
    EKI_TRY(open_exec(e));
    for (;;) {
        EKI_TRY(eki_feed_next(&e->feed, e->err));
        if (e->feed.batch.total == 0) break;
        if (e->feed.batch.count > 0) EKI_TRY(evaluate_batch(e));
        if (e->options.progress == NULL) continue;
        if (e->options.progress(e->options.context, e->result->images, e->feed.total) != 0) {
            return eki_fail(e->err, EK_ERR_INTERRUPTED,
                            "evaluation was stopped after %" PRId64 " of %" PRId64 " images", e->result->images,
                            e->feed.total);
        }
    }
    if (ek_comm_size(e->options.comm) > 1) EKI_TRY(join_ranks(e));
    if (e->result->images > 0) {
        e->result->accuracy = (double)e->result->correct / (double)e->result->images;
        e->result->loss = e->loss_sum / (double)e->result->images;
    }
    return EK_OK;
}

ek_status eki_evaluate(ek_model *model, const ek_dataset *dataset, const ek_eval_options *options,
                       eki_logits_call *take, void *taker, ek_eval_result *result, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(dataset, err);
    EKI_GIVEN(result, err);
    evaluation e = {.model = model, .dataset = dataset, .result = result, .take = take, .taker = taker, .err = err};
    e.options = ek_eval_options_default();
    EKI_TRY(eki_options_take(&e.options, sizeof e.options, options, "ek_eval_options", err));
    *result = (ek_eval_result){0};
    if (e.options.batch < 1) {
        return eki_fail(err, EK_ERR_ARG, "batch = %" PRId64 " must be at least 1", e.options.batch);
    }
    if ((e.options.batch_statistics || e.options.sample > 0) && e.options.logits != NULL) {
        return eki_fail(err, EK_ERR_ARG,
                        "batch_statistics and sample go through the images in another order: no logits");
    }
    bool other = e.options.batch_statistics || e.options.sample > 0 || e.options.logits != NULL || take != NULL;
    if (ek_comm_size(e.options.comm) > 1 && other) {
        return eki_fail(err, EK_ERR_ARG,
                        "ranks evaluate the whole set as it is: no batch_statistics, sample or logits");
    }
    if (e.options.sample < 0) {
        return eki_fail(err, EK_ERR_ARG, "sample = %" PRId64 " must not be negative", e.options.sample);
    }
    if (e.options.mode < EK_MODE_FILE || e.options.mode > EK_MODE_TRAINING) {
        return eki_fail(err, EK_ERR_ARG, "mode %d is none of FILE (0), INFERENCE (1), TRAINING (2)",
                        (int)e.options.mode);
    }
    ek_status status = EK_OK;
    if (e.options.batch_statistics) {
        e.options.mode = EK_MODE_TRAINING;
        status = eki_model_without_dropout(model, &e.view, err);
        e.model = e.view;
    }
    if (status == EK_OK) {
        status =
            e.options.term_count > 0 ? eki_evaluate_terms(e.model, dataset, &e.options, result, err) : evaluate_all(&e);
    }
    eki_feed_close(&e.feed);
    eki_exec_destroy(e.exec);
    ek_model_destroy(e.view);
    free(e.switches);
    free(e.records);
    return status;
}

ek_status ek_evaluate(ek_model *model, const ek_dataset *dataset, const ek_eval_options *options,
                      ek_eval_result *result, ek_error *err) {
    return eki_evaluate(model, dataset, options, NULL, NULL, result, err);
}

/* Every rank goes through the whole set. */
static ek_status evaluate_own_terms(const ek_trainer *trainer, const ek_dataset *dataset, ek_eval_options *o,
                                    ek_eval_result *result, ek_error *err) {
    const eki_objective *objective = trainer->objective;
    ek_loss *terms = eki_calloc(objective->count, sizeof *terms);
    if (terms == NULL) return eki_fail_nomem(err, objective->count * sizeof *terms);
    for (size_t i = 0; i < objective->count; i++) terms[i] = objective->terms[i].loss;
    o->terms = terms;
    o->term_count = objective->count;
    ek_status status = eki_evaluate(trainer->model, dataset, o, NULL, NULL, result, err);
    free(terms);
    return status;
}

ek_status ek_trainer_evaluate(const ek_trainer *trainer, const ek_dataset *dataset, const ek_eval_options *options,
                              ek_eval_result *result, ek_error *err) {
    EKI_GIVEN(trainer, err);
    ek_eval_options o = ek_eval_options_default();
    EKI_TRY(eki_options_take(&o, sizeof o, options, "ek_eval_options", err));
    EKI_TRY(eki_ranks_meet(trainer->ranks, trainer, err));
    if (trainer->objective != NULL) return evaluate_own_terms(trainer, dataset, &o, result, err);
    o.comm = trainer->options.comm;
    return eki_evaluate(trainer->model, dataset, &o, NULL, NULL, result, err);
}
