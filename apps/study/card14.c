/* card14.c: what weight decay does to weights that feed a batch norm.
 *
 * Such weights can be scaled without changing the output, so a penalty on their length is no penalty on the function.
 * What decay does is to hold their length, and thereby the angle by which they turn at each step. In equilibrium that
 * angle depends on learning rate and decay alone: sqrt(2 lr wd / (1 + mu)) for SGD with momentum mu, and
 * sqrt(2 lr wd (1 - b1) / (1 + b1)) for AdamW (Wan et al. 2021; Kosson et al. 2023).
 */
#include "study/lab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 3, UNITS = 100, BATCH = 16 };
enum { SGD_SMALL, SGD_LARGE, ADAMW_SMALL, ADAMW_LARGE, COUPLED, AFFINE_KEPT, AFFINE_DECAYED, ARMS };
enum { RATIO_LOW, RATIO_HIGH, SPREAD, ACCURACY, METRICS };
enum {
    ORTHOGONAL,
    GRADIENT_SHRINKS,
    LOGITS_CHANGE,
    GROWTH,
    SGD_SMALL_LOW,
    SGD_SMALL_HIGH,
    SGD_LARGE_LOW,
    SGD_LARGE_HIGH,
    ADAMW_SMALL_LOW,
    ADAMW_SMALL_HIGH,
    ADAMW_LARGE_HIGH,
    UNEVEN,
    AFFINE_DECAY,
    PENALTY_SEEN,
    ENDPOINTS
};
enum { AS_TAUGHT, PENALIZES_FUNCTION, DECAYS_AFFINE };

static const char *const layers[LAYERS] = {"fc1.weight", "fc2.weight", "fc3.weight"};

/* Weights before the step, and sums of squared angles per unit. */
typedef struct turning {
    float *before[LAYERS];
    double squares[LAYERS][UNITS];
    int64_t steps;
    float memory[];
} turning;

static ek_status begin(eks_run *run, ek_error *err) {
    size_t counts[LAYERS], total = 0;
    float *data;
    for (int i = 0; i < LAYERS; i++) {
        EKS_TRY(eks_lab_weights(run->model, layers[i], &data, &counts[i], err));
        total += counts[i];
    }
    turning *t = calloc(total + sizeof *t, sizeof(float));
    if (!t) return eks_fail(err, EK_ERR_NOMEM, "out of memory for the weights of card 14");
    float *place = t->memory;
    for (int i = 0; i < LAYERS; i++) {
        t->before[i] = place;
        place += counts[i];
    }
    run->state = t;
    return EK_OK;
}

/* Every fourth step once the weights have come to rest. */
static int measured(const eks_run *run) { return 2 * run->step >= run->steps && run->step % 4 == 0; }

static ek_status before(eks_run *run, ek_error *err) {
    turning *t = run->state;
    if (!measured(run)) return EK_OK;
    for (int i = 0; i < LAYERS; i++) {
        float *data;
        size_t count;
        EKS_TRY(eks_lab_weights(run->model, layers[i], &data, &count, err));
        memcpy(t->before[i], data, count * sizeof(float));
    }
    return EK_OK;
}

static ek_status after(eks_run *run, ek_error *err) {
    turning *t = run->state;
    if (!measured(run)) return EK_OK;
    for (int i = 0; i < LAYERS; i++) {
        float *data;
        size_t count;
        EKS_TRY(eks_lab_weights(run->model, layers[i], &data, &count, err));
        size_t inputs = count / UNITS;
        for (size_t u = 0; u < UNITS; u++) {
            const float *a = t->before[i] + u * inputs, *b = data + u * inputs;
            double cosine = eks_dot(a, b, inputs) / sqrt(eks_dot(a, a, inputs) * eks_dot(b, b, inputs));
            double angle = cosine < 1 ? acos(cosine) : 0;
            t->squares[i][u] += angle * angle;
        }
    }
    t->steps++;
    return EK_OK;
}

static double predicted(const eks_recipe *recipe) {
    const ek_train_options *o = &recipe->train;
    double product = 2 * o->lr * o->weight_decay;
    return sqrt(recipe->choice ? product * (1 - o->beta1) / (1 + o->beta1) : product / (1 + o->momentum));
}

/* Smallest and largest ratio of measured to predicted angle over the layers; spread over units. */
static ek_status end(eks_run *run, ek_error *err) {
    const turning *t = run->state;
    double low = INFINITY, high = 0, spread = 0;
    (void)err;
    for (int i = 0; i < LAYERS; i++) {
        double sum = 0, mean = 0, var = 0;
        for (int u = 0; u < UNITS; u++) {
            sum += t->squares[i][u] / (double)t->steps / UNITS;
            mean += sqrt(t->squares[i][u] / (double)t->steps) / UNITS;
        }
        for (int u = 0; u < UNITS; u++) {
            double d = sqrt(t->squares[i][u] / (double)t->steps) - mean;
            var += d * d / UNITS;
        }
        double ratio = sqrt(sum) / predicted(run->recipe);
        low = run->recipe->amount > 0 ? fmin(low, ratio) : NAN; /* a formula of another optimizer says nothing */
        high = run->recipe->amount > 0 ? fmax(high, ratio) : NAN;
        spread += sqrt(var) / mean / LAYERS;
    }
    run->out[EKS_EXTRA + RATIO_LOW] = low;
    run->out[EKS_EXTRA + RATIO_HIGH] = high;
    run->out[EKS_EXTRA + SPREAD] = spread;
    return EK_OK;
}

static void arms(const eks_study *study, const eks_pool *pool, eks_recipe recipes[ARMS]) {
    static const char *const names[ARMS] = {
        [SGD_SMALL] = "SGD, small rate",     [SGD_LARGE] = "SGD, large rate",       [ADAMW_SMALL] = "AdamW, small rate",
        [ADAMW_LARGE] = "AdamW, large rate", [COUPLED] = "Adam with coupled decay", [AFFINE_KEPT] = "γ, β not decayed",
        [AFFINE_DECAYED] = "γ, β decayed",
    };
    int quick = study->level == EKS_LEVEL_QUICK;
    eks_scale scale = eks_scale_mlp(study);
    scale.images = quick ? 4000 : 6000;
    scale.epochs = quick ? 3 : 8;
    for (int i = 0; i < ARMS; i++) {
        eks_recipe *r = &recipes[i];
        *r = eks_recipe_make(names[i], "mlp", pool, scale);
        r->build.epsilon = 1e-10;
        r->batch = BATCH;
        if (i < AFFINE_KEPT) {
            r->begin = begin;
            r->before = before;
            r->after = after;
            r->end = end;
        }
        r->train.schedule = EK_SCHEDULE_CONSTANT;
        r->amount = i != COUPLED;
        r->choice = i >= ADAMW_SMALL && i <= COUPLED;
        if (r->choice) {
            r->train.optimizer = i == COUPLED || study->sabotaged ? EK_ADAM : EK_ADAMW;
            r->train.lr = i == ADAMW_LARGE ? 0.008 : 0.004;
            r->train.weight_decay = i == ADAMW_LARGE ? 0.5 : 1.0;
            if (i == COUPLED) r->train.weight_decay = 0.01;
        } else {
            r->train.lr = i == SGD_LARGE ? 0.04 : 0.02;
            r->train.weight_decay = i == SGD_LARGE ? 0.01 : 0.02;
            r->train.decay_norm = i == AFFINE_DECAYED;
        }
    }
}

/* Scales the weights of all layers. */
static ek_status scale_weights(ek_model *model, float factor, ek_error *err) {
    for (int i = 0; i < LAYERS; i++) {
        float *data;
        size_t count;
        EKS_TRY(eks_lab_weights(model, layers[i], &data, &count, err));
        for (size_t k = 0; k < count; k++) data[k] *= factor;
    }
    return EK_OK;
}

typedef struct forms {
    ek_model *model;
    ek_session *session;
    float *x, *logits, *gradient;
    int32_t *labels;
} forms;

static ek_status slope(const forms *f, int layer, const float **w, const float **g, size_t *count, ek_error *err) {
    float *data;
    EKS_TRY(eks_lab_weights(f->model, layers[layer], &data, count, err));
    *w = data;
    *g = ek_session_parameter_gradient(f->session, layers[layer]).data;
    return *g ? EK_OK : eks_fail(err, EK_ERR_STATE, "no gradient of %s", layers[layer]);
}

/* <w, grad> = 0; grad(10 w) = grad(w) / 10; the same logits; a plain step adds lr^2 |grad|^2 to |w|^2. */
static ek_status closed_forms(forms *f, const eks_pool *pool, eks_evidence *evidence, ek_error *err) {
    enum { COUNT = 64 };
    const float *w, *g;
    size_t count, values = COUNT * (size_t)pool->classes;
    EKS_TRY(eks_slopes(f->session, pool, f->x, f->labels, COUNT, err));
    memcpy(f->logits, ek_session_output(f->session, 0).data, values * sizeof(float));
    for (int i = 0; i < LAYERS; i++) {
        EKS_TRY(slope(f, i, &w, &g, &count, err));
        double ww = eks_dot(w, w, count), gg = eks_dot(g, g, count), grown = 0, rate = sqrt(ww / gg) / 4;
        evidence->values[ORTHOGONAL] = fmax(evidence->values[ORTHOGONAL], fabs(eks_dot(w, g, count)) / sqrt(ww * gg));
        for (size_t k = 0; k < count; k++) {
            double moved = (double)w[k] - rate * (double)g[k];
            grown += moved * moved;
        }
        evidence->values[GROWTH] = fmax(evidence->values[GROWTH], fabs((grown - ww) / (rate * rate * gg) - 1));
    }
    EKS_TRY(slope(f, 1, &w, &g, &count, err));
    memcpy(f->gradient, g, count * sizeof(float));
    EKS_TRY(scale_weights(f->model, 10, err));
    EKS_TRY(eks_slopes(f->session, pool, f->x, f->labels, COUNT, err));
    const float *logits = ek_session_output(f->session, 0).data;
    evidence->values[LOGITS_CHANGE] =
        eks_max_difference(f->logits, logits, values) / eks_max_magnitude(f->logits, values);
    EKS_TRY(slope(f, 1, &w, &g, &count, err));
    double most = 0;
    for (size_t k = 0; k < count; k++) most = fmax(most, fabs(10 * (double)g[k] - (double)f->gradient[k]));
    evidence->values[GRADIENT_SHRINKS] = most / eks_max_magnitude(f->gradient, count);
    return EK_OK;
}

static ek_status forms_run(const eks_recipe *recipe, uint64_t seed, eks_evidence *evidence, ek_error *err) {
    const eks_pool *pool = recipe->pool;
    forms f = {0};
    f.x = eks_floats(64 * (size_t)(pool->channels * pool->side * pool->side), err);
    f.logits = eks_floats(64 * (size_t)pool->classes, err);
    f.gradient = eks_floats(UNITS * UNITS, err);
    f.labels = calloc(64, sizeof *f.labels);
    ek_status status = f.x && f.logits && f.gradient && f.labels ? EK_OK : EK_ERR_NOMEM;
    if (status == EK_OK) status = eks_lab_build(recipe, seed, &f.model, err);
    if (status == EK_OK) status = eks_slopes_open(f.model, 0, &f.session, err);
    if (status == EK_OK) {
        eks_pool_gather(pool, &pool->train, NULL, 64, (eks_change){0}, f.x, f.labels);
        evidence->values[ORTHOGONAL] = evidence->values[GROWTH] = 0;
        status = closed_forms(&f, pool, evidence, err);
    }
    ek_session_destroy(f.session);
    ek_model_destroy(f.model);
    free(f.labels);
    free(f.gradient);
    free(f.logits);
    free(f.x);
    return status;
}

static ek_status run(eks_study *study, eks_evidence *evidence, ek_error *err) {
    static const eks_outcome metrics[METRICS] = {[RATIO_LOW] = EKS_EXTRA + RATIO_LOW,
                                                 [RATIO_HIGH] = EKS_EXTRA + RATIO_HIGH,
                                                 [SPREAD] = EKS_EXTRA + SPREAD,
                                                 [ACCURACY] = EKS_TEST_ACCURACY};
    eks_recipe recipes[ARMS];
    const eks_pool *pool;
    eks_scale scale = eks_scale_mlp(study);
    EKS_TRY(eks_pool_get(study, EKS_GREY, scale.side, &pool, err));
    arms(study, pool, recipes);
    EKS_TRY(forms_run(&recipes[0], study->options->seed, evidence, err));
    EKS_TRY(eks_lab(study, recipes, ARMS, scale.seeds, metrics, METRICS, evidence, err));
    evidence->metrics[RATIO_LOW] = "angle over predicted, lowest layer";
    evidence->metrics[RATIO_HIGH] = "angle over predicted, highest layer";
    evidence->metrics[SPREAD] = "spread of the angle over units";
    return EK_OK;
}

static void show(eks_evidence *evidence) {
    evidence->values[PENALTY_SEEN] = evidence->values[LOGITS_CHANGE];
    evidence->caption = "Angle by which weights turn per step in equilibrium, over the predicted one";
    eks_chart_arms(evidence, SPREAD, "How unevenly units turn: deviation of the angle over its mean",
                   "spread of the angle", "AdamW should turn all units evenly; Adam with coupled decay should not.");
}

const eks_design eks_card14 = {
    .number = 14,
    .taught = "Batch norm changes the effective step geometry of weight decay; use framework defaults.",
    .prediction = "The output does not depend on the length of weights that feed a batch norm, so the gradient is "
                  "orthogonal to them and shrinks as they grow. Weight decay sets the angle they turn per step: "
                  "√(2ηλ/(1 + μ)) for SGD and √(2ηλ(1 − β₁)/(1 + β₁)) for AdamW.",
    .refuter =
        "A closed form off by more than 0.00001, or an angle outside 0.8 to 1.25 of the predicted one in any layer.",
    .method = "A network of three hidden layers of 100 units, batch 16, constant rate; two pairs of rate and decay "
              "with equal product for SGD and for AdamW; angles of all units over the second half of the steps.",
    .readings =
        {
            [AS_TAUGHT] = {"as taught", "Batch norm changes what weight decay does: it sets the angle per step.",
                           EKS_SUPPORTED, SGD_SMALL_LOW,
                           "Weights turned per step by the predicted angle, within a fifth (lowest layer: # of it).",
                           "The lowest layer turned by # of the predicted angle."},
            [PENALIZES_FUNCTION] = {"loose", "Weight decay penalizes the function, by keeping weights small.",
                                    EKS_REFUTED, PENALTY_SEEN, NULL, "A hundredfold penalty changed the logits by #."},
            [DECAYS_AFFINE] = {"debated", "Decaying γ and β as well changes the result.", EKS_NOT_MEASURED,
                               AFFINE_DECAY, "Decaying them, too, gained #.",
                               "Decaying them, too, gained no point: #."},
        },
    .sabotage = "coupled-adamw",
    .sabotage_what = "\"AdamW\" adds the decay to the gradient, as Adam with L2 does",
    .pilot = EKS_PILOT_AGAIN,
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [ORTHOGONAL] = {"⟨w, gradient⟩ over both lengths, largest of three layers", EKS_AT_MOST, 1e-5},
            [GRADIENT_SHRINKS] = {"gradient at 10 w times 10, against gradient at w: relative difference", EKS_AT_MOST,
                                  1e-5},
            [LOGITS_CHANGE] = {"logits when all those weights are multiplied by 10: relative change", EKS_AT_MOST,
                               1e-5},
            [GROWTH] = {"growth of ‖w‖² in a plain step against η²‖g‖²: relative error", EKS_AT_MOST, 1e-5},
            [SGD_SMALL_LOW] = {"SGD, small rate: lowest ratio of a layer", EKS_AT_LEAST, 0.8,
                               EKS_MEAN(SGD_SMALL, RATIO_LOW)},
            [SGD_SMALL_HIGH] = {"SGD, small rate: highest ratio", EKS_AT_MOST, 1.25, EKS_MEAN(SGD_SMALL, RATIO_HIGH)},
            [SGD_LARGE_LOW] = {"SGD, large rate: lowest ratio", EKS_AT_LEAST, 0.8, EKS_MEAN(SGD_LARGE, RATIO_LOW)},
            [SGD_LARGE_HIGH] = {"SGD, large rate: highest ratio", EKS_AT_MOST, 1.25, EKS_MEAN(SGD_LARGE, RATIO_HIGH)},
            [ADAMW_SMALL_LOW] = {"AdamW, small rate: lowest ratio", EKS_AT_LEAST, 0.8,
                                 EKS_MEAN(ADAMW_SMALL, RATIO_LOW)},
            [ADAMW_SMALL_HIGH] = {"AdamW, small rate: highest ratio", EKS_AT_MOST, 1.25,
                                  EKS_MEAN(ADAMW_SMALL, RATIO_HIGH)},
            [ADAMW_LARGE_HIGH] = {"AdamW, large rate: highest ratio", EKS_AT_MOST, 1.25,
                                  EKS_MEAN(ADAMW_LARGE, RATIO_HIGH)},
            [UNEVEN] = {"spread over units, coupled Adam less twice AdamW", EKS_AT_LEAST, 0,
                        .contrast = {2, {{COUPLED, 1, SPREAD}, {ADAMW_SMALL, -2, SPREAD}}}},
            [AFFINE_DECAY] = {"accuracy, γ and β decayed less not decayed", EKS_AT_LEAST, 0.01,
                              .reading = DECAYS_AFFINE, .percent = 1, EKS_DIFF(AFFINE_DECAYED, AFFINE_KEPT, ACCURACY)},
            [PENALTY_SEEN] = {"change of the logits when the penalty is multiplied by 100", EKS_AT_LEAST, 0.01,
                              .reading = PENALIZES_FUNCTION},
        },
    .predict =
        {
            .question = "All weights in front of a batch norm are doubled. What becomes of its output, and of the "
                        "gradient of those weights?",
            .choices = {"Both double", "The output stays, the gradient halves",
                        "The output stays, the gradient doubles"},
            .correct = 1,
            .why = "f(a·w) = f(w), hence ∇f(a·w) = ∇f(w)/a. Larger weights are taught more slowly: this is where "
                   "weight decay acts.",
            .endpoint = GRADIENT_SHRINKS,
        },
    .quiz =
        {
            .question = "What does weight decay do to weights in front of batch norm?",
            .choices = {"It keeps the effective rate up", "It makes the function simpler",
                        "It does nothing to training", "It shrinks γ and the output"},
            .correct = 0,
            .why = "Their size does not change the function, only how far a step turns them. Decay keeps the size, and "
                   "so the turn, in balance.",
            .endpoint = LOGITS_CHANGE,
        },
    .run = run,
    .show = show,
};
