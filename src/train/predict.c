/* predict.c: what a model says of images: the logits of an evaluation, and probabilities made of them.
 *
 * A file does not say whether its scores are logits. Where its last node does not tell, the scores do: rows of
 * probabilities are nowhere below 0 and sum to 1, which rows of logits do not do all at once.
 */
#include "base/memory.h"
#include "base/options.h"
#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static ek_scores scores_of_graph(const eki_value *head) {
    const eki_node *last = head->producer;
    if (last == NULL) return EK_SCORES_AUTO;
    if (last->op == EKI_OP_Softmax || last->op == EKI_OP_LogSoftmax) return EK_SCORES_LOGITS;
    return last->op == EKI_OP_Sigmoid ? EK_SCORES_PROBABILITIES : EK_SCORES_AUTO;
}

static ek_scores scores_of_rows(const float *x, int64_t rows, int64_t classes) {
    for (int64_t r = 0; r < rows; r++) {
        double sum = 0;
        for (int64_t c = 0; c < classes; c++) {
            float score = x[r * classes + c];
            if (!(score >= 0)) return EK_SCORES_LOGITS;
            sum += (double)score;
        }
        if (!(fabs(sum - 1) <= 1e-3)) return EK_SCORES_LOGITS;
    }
    return EK_SCORES_PROBABILITIES;
}

static void softmax(const float *x, int64_t classes, float *y) {
    double top = -HUGE_VAL, sum = 0;
    for (int64_t c = 0; c < classes; c++) top = (double)x[c] > top ? (double)x[c] : top;
    for (int64_t c = 0; c < classes; c++) sum += exp((double)x[c] - top);
    for (int64_t c = 0; c < classes; c++) y[c] = (float)(exp((double)x[c] - top) / sum);
}

typedef struct taking {
    ek_predictions *result;
    size_t images; /* in all */
} taking;

static ek_status make_room(const taking *t, int64_t classes, ek_error *err) {
    size_t count, bytes;
    if (classes < 2) {
        return eki_fail(err, EK_ERR_SHAPE, "the model gives one number an image, which tells no classes apart");
    }
    size_t most = eki_memory_left();
    bool fits = eki_mul_size(t->images, (size_t)classes, &count) && eki_mul_size(count, 2 * sizeof(float), &bytes);
    if (!fits || bytes > most) {
        return eki_fail(err, EK_ERR_LIMIT,
                        "logits and probabilities of %zu images in %" PRId64 " classes do not fit into the %zu MiB of "
                        "memory there are; predict fewer images at a time",
                        t->images, classes, most >> 20);
    }
    bytes /= 2;
    t->result->classes = classes;
    t->result->logits = eki_alloc(eki_sized(bytes));
    t->result->probabilities = eki_alloc(eki_sized(bytes));
    if (t->result->logits != NULL && t->result->probabilities != NULL) return EK_OK;
    return eki_fail_nomem(err, bytes);
}

static ek_status take(void *context, const float *logits, int64_t rows, int64_t classes, ek_error *err) {
    taking *t = context;
    ek_predictions *p = t->result;
    if (p->images == 0) EKI_TRY(make_room(t, classes, err));
    memcpy(p->logits + p->images * classes, logits, (size_t)(rows * classes) * sizeof *logits);
    p->images += rows;
    return EK_OK;
}

static void make_probabilities(ek_predictions *p) {
    if (p->scores == EK_SCORES_AUTO) p->scores = scores_of_rows(p->logits, p->images, p->classes);
    for (int64_t i = 0; i < p->images; i++) {
        const float *from = p->logits + i * p->classes;
        float *to = p->probabilities + i * p->classes;
        if (p->scores == EK_SCORES_LOGITS)
            softmax(from, p->classes, to);
        else
            memcpy(to, from, (size_t)p->classes * sizeof *to);
    }
}

ek_status ek_predict(ek_model *model, const ek_dataset *dataset, const ek_eval_options *options, ek_scores scores,
                     ek_predictions *predictions, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(dataset, err);
    EKI_GIVEN(predictions, err);
    ek_predictions p = {.scores = scores};
    const eki_value *head;
    ek_eval_options o = ek_eval_options_default();
    ek_eval_result result;
    *predictions = (ek_predictions){0};
    EKI_TRY(eki_options_take(&o, sizeof o, options, "ek_eval_options", err));
    EKI_TRY(eki_logits_head(model, o.head, &head, err));
    if (scores == EK_SCORES_AUTO) p.scores = scores_of_graph(head);
    o.logits = NULL;
    o.batch_statistics = 0;
    taking t = {.result = &p, .images = (size_t)ek_dataset_describe(dataset).count};
    ek_status status = eki_evaluate(model, dataset, &o, take, &t, &result, err);
    if (status != EK_OK) {
        ek_predictions_free(&p);
        return status;
    }
    make_probabilities(&p);
    *predictions = p;
    return EK_OK;
}

void ek_predictions_free(ek_predictions *predictions) {
    if (predictions == NULL) return;
    eki_free(predictions->logits);
    eki_free(predictions->probabilities);
    *predictions = (ek_predictions){0};
}
