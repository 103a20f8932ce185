/* predict_output.c: what a model gives for images, whatever shape it has. */
#include "base/memory.h"
#include "base/options.h"
#include "feed/feed.h"
#include "graph/precision.h"
#include "train/trainer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct prediction {
    const ek_model *model;
    const ek_dataset *dataset;
    ek_eval_options options;
    const eki_value *head;
    uint8_t *switches;
    eki_exec *exec;
    eki_feed feed;
    ek_output *output;
    size_t each; /* numbers of an example */
    ek_error *err;
} prediction;

static ek_status open_all(prediction *p) {
    bool bf16;
    const eki_feed_options feeding = {.batch = p->options.batch, .use_metadata = p->options.use_metadata != 0};
    EKI_TRY(eki_precision(p->options.precision, &bf16, p->err));
    EKI_TRY(eki_logits_head(p->model, p->options.head, &p->head, p->err));
    EKI_TRY(eki_feed_open(&p->feed, p->model, p->dataset, &feeding, p->err));
    EKI_TRY(eki_feed_start(&p->feed, p->err));
    EKI_TRY(eki_model_switches(p->model, &p->switches, p->err));
    const eki_exec_options options = {.mode = (eki_mode)p->options.mode,
                                      .threads = p->options.threads,
                                      .bf16 = bf16,
                                      .norm_switches = p->switches,
                                      .outputs = &p->head->name,
                                      .n_outputs = 1};
    EKI_TRY(eki_exec_create(p->model->graph, &options, &p->exec, p->err));
    return eki_sole_input(p->exec, p->err);
}

/* The first batch says how much an example has. */
static ek_status make_room(prediction *p, const eki_view *view) {
    ek_output *out = p->output;
    size_t count, bytes, images = (size_t)ek_dataset_describe(p->dataset).count, most = eki_memory_left();
    out->rank = view->shape.rank;
    memcpy(out->dims, view->shape.dims, sizeof out->dims);
    p->each = 1;
    for (int i = 1; i < out->rank; i++) p->each *= (size_t)view->shape.dims[i]; /* of a tensor that is there */
    bool fits = eki_mul_size(images, p->each, &count) && eki_mul_size(count, sizeof *out->values, &bytes);
    if (!fits || bytes > most) {
        return eki_fail(p->err, EK_ERR_LIMIT,
                        "the output of %zu images does not fit into the %zu MiB of memory there "
                        "are; predict fewer images at a time",
                        images, most >> 20);
    }
    out->values = eki_alloc(eki_sized(bytes));
    return out->values != NULL ? EK_OK : eki_fail_nomem(p->err, bytes);
}

static ek_status check(const prediction *p, const eki_view *view, int64_t rows) {
    char text[192];
    const eki_shape *shape = &view->shape;
    bool fits = view->dtype == EK_F32 && shape->rank >= 1 && shape->rank <= EK_NPY_MAX_RANK && shape->dims[0] == rows;
    for (int i = 1; fits && p->output->values != NULL && i < shape->rank; i++)
        fits = shape->dims[i] == p->output->dims[i];
    if (fits) return EK_OK;
    return eki_fail(p->err, EK_ERR_SHAPE, "output '%s' is %s %s; expected float32 with %" PRId64 " examples first",
                    p->head->name, eki_dtype_name(view->dtype), eki_shape_text(NULL, shape, text), rows);
}

static ek_status one_batch(prediction *p) {
    int64_t rows = eki_feed_rows(&p->feed), count = p->feed.batch.count;
    eki_shape shape;
    EKI_TRY(eki_intake_shape(&p->feed.intake, rows, &shape, NULL, p->err));
    EKI_TRY(eki_exec_prepare(p->exec, &shape, p->err));
    if (eki_exec_input_needed(p->exec, 0)) eki_feed_fill(&p->feed, eki_exec_input(p->exec, 0).data);
    EKI_TRY(eki_exec_forward(p->exec, p->err));
    eki_view view = eki_exec_output(p->exec, 0);
    EKI_TRY(check(p, &view, rows));
    if (p->output->values == NULL) EKI_TRY(make_room(p, &view));
    memcpy(p->output->values + (size_t)p->output->images * p->each, view.data,
           eki_size_of((size_t)count, eki_size_of(p->each, sizeof(float)).bytes).bytes);
    p->output->images += count;
    if (p->options.progress == NULL) return EK_OK;
    if (p->options.progress(p->options.context, p->output->images, p->feed.total) == 0) return EK_OK;
    return eki_fail(p->err, EK_ERR_INTERRUPTED, "stopped after %" PRId64 " of %" PRId64 " images", p->output->images,
                    p->feed.total);
}

static ek_status run(prediction *p) {
    EKI_TRY(open_all(p));
    for (;;) {
        EKI_TRY(eki_feed_next(&p->feed, p->err));
        if (p->feed.batch.total == 0) break;
        EKI_TRY(one_batch(p));
    }
    const eki_node *last = p->head->producer;
    p->output->dims[0] = p->output->images;
    p->output->scores = last != NULL && last->op == EKI_OP_Sigmoid ? EK_SCORES_PROBABILITIES : EK_SCORES_LOGITS;
    return EK_OK;
}

ek_status ek_predict_output(const ek_model *model, const ek_dataset *dataset, const ek_eval_options *options,
                            ek_output *output, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(dataset, err);
    EKI_GIVEN(output, err);
    prediction p = {.model = model, .dataset = dataset, .output = output, .err = err};
    *output = (ek_output){.values = NULL};
    p.options = ek_eval_options_default();
    EKI_TRY(eki_options_take(&p.options, sizeof p.options, options, "ek_eval_options", err));
    if (p.options.batch < 1) {
        return eki_fail(err, EK_ERR_ARG, "batch = %" PRId64 " must be at least 1", p.options.batch);
    }
    ek_status status = run(&p);
    eki_feed_close(&p.feed);
    eki_exec_destroy(p.exec);
    free(p.switches);
    if (status != EK_OK) ek_output_free(output);
    return status;
}

void ek_output_free(ek_output *output) {
    if (output == NULL) return;
    eki_free(output->values);
    *output = (ek_output){.values = NULL};
}
