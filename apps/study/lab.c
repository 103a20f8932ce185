/* lab.c: one training run, from initial weights to its numbers. */
#include "study/lab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEST_BATCH = 250, PRECISE_IMAGES = 1000, MATES = 100 };

eks_scale eks_scale_mlp(const eks_study *study) {
    switch (study->level) {
    case EKS_LEVEL_QUICK: return (eks_scale){4, 2, 14, 1500};
    case EKS_LEVEL_DEFAULT: return (eks_scale){10, 4, 14, 10000};
    case EKS_LEVEL_FULL: break;
    }
    return (eks_scale){16, 8, 28, 20000};
}

eks_scale eks_scale_cnn(const eks_study *study) {
    switch (study->level) {
    case EKS_LEVEL_QUICK: return (eks_scale){4, 2, 8, 600};
    case EKS_LEVEL_DEFAULT: return (eks_scale){8, 4, 16, 5000};
    case EKS_LEVEL_FULL: break;
    }
    return (eks_scale){10, 6, 32, 10000};
}

const char *eks_network_name(const eks_study *study) { return study->level == EKS_LEVEL_FULL ? "resnet20" : "cnn6"; }

eks_recipe eks_recipe_make(const char *name, const char *network, const eks_pool *pool, eks_scale scale) {
    eks_recipe recipe = {.name = name,
                         .pool = pool,
                         .build = ek_build_options_default(network),
                         .train = ek_train_options_default(),
                         .batch = 32,
                         .images = scale.images,
                         .epochs = scale.epochs};
    recipe.train.lr = 0.05;
    recipe.train.statistics = EK_STATISTICS_EMA; /* as it is taught */
    return recipe;
}

ek_status eks_lab_weights(ek_model *model, const char *name, float **data, size_t *count, ek_error *err) {
    ek_tensor_info info;
    void *values;
    EKS_TRY(ek_model_tensor_data(model, name, &info, &values, err));
    *data = values;
    if (count) *count = info.bytes / sizeof(float);
    return EK_OK;
}

ek_status eks_lab_copy(ek_model *from, ek_model *to, ek_error *err) {
    for (size_t i = 0; i < ek_model_tensor_count(from); i++) {
        ek_tensor_info source = ek_model_tensor(from, i), target;
        void *data;
        EKS_TRY(ek_model_tensor_data(to, source.name, &target, &data, err));
        if (target.bytes != source.bytes) return eks_fail(err, EK_ERR_SHAPE, "models differ in '%s'", source.name);
        memcpy(data, source.data, source.bytes);
    }
    return EK_OK;
}

ek_status eks_lab_build(const eks_recipe *recipe, uint64_t seed, ek_model **model, ek_error *err) {
    ek_build_options options = recipe->build;
    options.channels = recipe->pool->channels;
    options.height = options.width = recipe->pool->side;
    options.classes = recipe->pool->classes;
    options.seed = seed;
    return ek_model_build(&options, model, err);
}

static ek_status build(eks_run *run, ek_error *err) {
    const eks_recipe *recipe = run->recipe;
    EKS_TRY(eks_lab_build(recipe, run->seed, &run->model, err));
    return recipe->start ? eks_lab_copy(recipe->start[run->seed_index], run->model, err) : EK_OK;
}

/* The images of this seed: a random subset, sorted by class when the recipe asks for neighbours of one class. */
static void choose(const eks_run *run, int64_t *order, int64_t *spare) {
    const eks_images *train = &run->recipe->pool->train;
    int64_t count = run->recipe->images < train->count ? run->recipe->images : train->count, next = 0;
    eks_permutation(order, train->count, run->seed, 1);
    if (!run->recipe->sorted) return;
    for (int c = 0; c < run->recipe->pool->classes; c++)
        for (int64_t i = 0; i < count; i++)
            if (train->labels[order[i]] == c) spare[next++] = order[i];
    memcpy(order, spare, (size_t)count * sizeof *order);
}

/* The order of an epoch: images shuffled, or groups of neighbours. */
static void shuffle(const eks_run *run, int epoch, const int64_t *chosen, int64_t *order, int64_t *spare) {
    int64_t count = run->steps / run->recipe->epochs * run->recipe->batch;
    int64_t unit = run->recipe->sorted ? run->recipe->sorted : 1;
    eks_permutation(spare, count / unit, run->seed, (uint64_t)(100 + epoch));
    for (int64_t i = 0; i < count; i++) order[i] = chosen[spare[i / unit] * unit + i % unit];
}

static ek_status one_step(eks_run *run, const ek_batch *batch, ek_error *err) {
    const eks_recipe *recipe = run->recipe;
    run->batch = batch;
    if (recipe->before) EKS_TRY(recipe->before(run, err));
    ek_status status = ek_trainer_step(run->trainer, batch, &run->result, err);
    if (status == EK_ERR_NONFINITE) {
        run->diverged = 1;
        return EK_OK;
    }
    if (status != EK_OK) return status;
    if (5 * run->step >= 4 * run->steps) {
        run->loss_sum += run->result.loss;
        run->loss_steps++;
    }
    if (recipe->after) EKS_TRY(recipe->after(run, err));
    run->step++;
    return EK_OK;
}

static ek_status epochs(eks_run *run, int64_t *orders, float *images, int32_t *labels, ek_error *err) {
    const eks_recipe *recipe = run->recipe;
    int64_t total = recipe->pool->train.count, per_epoch = run->steps / recipe->epochs;
    int64_t *chosen = orders, *order = orders + total, *spare = orders + 2 * total;
    choose(run, chosen, spare);
    for (int e = 0; e < recipe->epochs; e++) {
        shuffle(run, e, chosen, order, spare);
        for (int64_t b = 0; b < per_epoch && !run->diverged; b++) {
            eks_pool_gather(recipe->pool, &recipe->pool->train, order + b * recipe->batch, recipe->batch,
                            recipe->change, images, labels);
            ek_batch batch = {.count = recipe->batch, .index = b, .images = images, .labels = labels};
            EKS_TRY(one_step(run, &batch, err));
        }
    }
    return EK_OK;
}

ek_status eks_run_train(eks_run *run, ek_error *err) {
    const eks_recipe *recipe = run->recipe;
    const eks_pool *pool = recipe->pool;
    ek_train_options options = recipe->train;
    size_t pixels = (size_t)pool->channels * (size_t)pool->side * (size_t)pool->side;
    int64_t images = recipe->images < pool->train.count ? recipe->images : pool->train.count;
    run->steps = images / recipe->batch * recipe->epochs;
    options.total_steps = run->steps > 0 ? run->steps : 1;
    options.threads = 1;
    options.seed = run->seed;
    EKS_TRY(build(run, err));
    int64_t *orders = calloc((size_t)pool->train.count + 1, 3 * sizeof *orders);
    float *x = eks_floats((size_t)recipe->batch * pixels, err);
    int32_t *labels = calloc((size_t)recipe->batch, sizeof *labels);
    ek_status status = orders && x && labels ? EK_OK : eks_fail(err, EK_ERR_NOMEM, "out of memory for a training run");
    if (status == EK_OK && recipe->begin) status = recipe->begin(run, err);
    if (status == EK_OK) status = ek_trainer_create(run->model, &options, &run->trainer, err);
    if (status == EK_OK) status = epochs(run, orders, x, labels, err);
    free(labels);
    free(x);
    free(orders);
    return status;
}

static double row_loss(const float *row, int classes, int32_t label, int *correct) {
    int best = 0;
    double sum = 0;
    for (int c = 1; c < classes; c++)
        if (row[c] > row[best]) best = c;
    for (int c = 0; c < classes; c++) sum += exp((double)row[c] - (double)row[best]);
    *correct = best == label;
    return log(sum) - ((double)row[label] - (double)row[best]);
}

ek_status eks_lab_evaluate(ek_model *model, const eks_pool *pool, const eks_images *images, int64_t count,
                           eks_change change, ek_mode mode, int64_t batch, double *accuracy, double *loss,
                           ek_error *err) {
    const char *logits = ek_model_logits(model);
    size_t pixels = (size_t)pool->channels * (size_t)pool->side * (size_t)pool->side;
    ek_session_options options = ek_session_options_default();
    ek_session *session = NULL;
    options.mode = mode;
    options.threads = 1;
    options.outputs = &logits;
    options.output_count = 1;
    if (count > images->count) count = images->count;
    float *x = eks_floats((size_t)batch * pixels, err);
    if (!x) return EK_ERR_NOMEM;
    ek_status status = ek_session_create(model, &options, &session, err);
    double sum = 0;
    int64_t right = 0;
    for (int64_t first = 0; first < count && status == EK_OK; first += batch) {
        int64_t here = count - first < batch ? count - first : batch;
        eks_images part = {here, images->pixels + (size_t)first * pixels, images->labels + first};
        eks_pool_gather(pool, &part, NULL, here, change, x, NULL);
        ek_array input = {EK_F32, 4, {here, pool->channels, pool->side, pool->side}, x};
        status = ek_session_run(session, &input, 1, err);
        for (int64_t i = 0; i < here && status == EK_OK; i++) {
            int correct;
            const float *row = (const float *)ek_session_output(session, 0).data + i * pool->classes;
            sum += row_loss(row, pool->classes, part.labels[i], &correct);
            right += correct;
        }
    }
    ek_session_destroy(session);
    free(x);
    *accuracy = (double)right / (double)count;
    *loss = sum / (double)count;
    return status;
}

/* Sets running mean and variance of every batch norm to 0, or divides them by 1 - momentum. */
static ek_status reset_statistics(ek_model *model, int divide, ek_error *err) {
    for (size_t i = 0; i < ek_model_norm_count(model); i++) {
        ek_model_norm norm = ek_model_norm_get(model, i);
        const char *names[2] = {norm.mean, norm.variance};
        for (int k = 0; k < 2 && norm.kind == EK_NORM_BATCH; k++) {
            float *data;
            size_t count;
            EKS_TRY(eks_lab_weights(model, names[k], &data, &count, err));
            for (size_t j = 0; j < count; j++) data[j] = divide ? (float)((double)data[j] / (1 - norm.momentum)) : 0;
        }
    }
    return EK_OK;
}

/* One training step too small to change a weight leaves (1 - momentum) times the statistics of its batch behind. */
ek_status eks_lab_recalibrate(ek_model *model, const eks_pool *pool, const eks_images *images, const int64_t *order,
                              int64_t count, eks_change change, ek_error *err) {
    size_t pixels = (size_t)pool->channels * (size_t)pool->side * (size_t)pool->side;
    if (count > images->count) count = images->count;
    float *x = eks_floats((size_t)count * pixels, err);
    int32_t *labels = calloc((size_t)count + 1, sizeof *labels);
    ek_trainer *trainer = NULL;
    ek_train_options options = ek_train_options_default();
    options.lr = 1e-38;
    options.statistics = EK_STATISTICS_EMA;
    options.momentum = 0;
    options.schedule = EK_SCHEDULE_CONSTANT;
    options.total_steps = 1;
    options.threads = 1;
    ek_status status = x && labels ? EK_OK : EK_ERR_NOMEM;
    if (status == EK_OK) status = reset_statistics(model, 0, err);
    if (status == EK_OK) status = ek_trainer_create(model, &options, &trainer, err);
    if (status == EK_OK) {
        ek_step_result result;
        eks_pool_gather(pool, images, order, count, change, x, labels);
        ek_batch batch = {.count = count, .images = x, .labels = labels};
        status = ek_trainer_step(trainer, &batch, &result, err);
    }
    ek_trainer_destroy(trainer);
    if (status == EK_OK) status = reset_statistics(model, 1, err);
    free(labels);
    free(x);
    return status;
}

static ek_status measure_precise(eks_run *run, ek_error *err) {
    const eks_recipe *recipe = run->recipe;
    const eks_pool *pool = recipe->pool;
    double loss;
    EKS_TRY(eks_lab_evaluate(run->model, pool, &pool->test, pool->test.count / MATES * MATES, recipe->change,
                             EK_MODE_TRAINING, MATES, &run->out[EKS_BATCH_ACCURACY], &loss, err));
    EKS_TRY(eks_lab_recalibrate(run->model, pool, &pool->train, pool->mixed,
                                recipe->precise > 1 ? recipe->precise : PRECISE_IMAGES, recipe->change, err));
    return eks_lab_evaluate(run->model, pool, &pool->test, pool->test.count, recipe->change, EK_MODE_INFERENCE,
                            TEST_BATCH, &run->out[EKS_PRECISE_ACCURACY], &run->out[EKS_PRECISE_LOSS], err);
}

ek_status eks_run_measure(eks_run *run, ek_error *err) {
    const eks_recipe *recipe = run->recipe;
    const eks_pool *pool = recipe->pool;
    double chance = 1.0 / pool->classes;
    run->out[EKS_TEST_ACCURACY] = run->out[EKS_PRECISE_ACCURACY] = run->out[EKS_BATCH_ACCURACY] = chance;
    run->out[EKS_TEST_LOSS] = run->out[EKS_TRAIN_LOSS] = run->out[EKS_PRECISE_LOSS] = -log(chance);
    ek_trainer_destroy(run->trainer);
    run->trainer = NULL;
    if (run->diverged) return EK_OK;
    if (run->loss_steps) run->out[EKS_TRAIN_LOSS] = run->loss_sum / (double)run->loss_steps;
    EKS_TRY(eks_lab_evaluate(run->model, pool, &pool->test, pool->test.count, recipe->change, EK_MODE_INFERENCE,
                             TEST_BATCH, &run->out[EKS_TEST_ACCURACY], &run->out[EKS_TEST_LOSS], err));
    if (recipe->end) EKS_TRY(recipe->end(run, err));
    return recipe->precise ? measure_precise(run, err) : EK_OK;
}

void eks_run_free(eks_run *run) {
    ek_session_destroy(run->session);
    ek_trainer_destroy(run->trainer);
    ek_model_destroy(run->model);
    free(run->state);
    run->session = NULL;
    run->trainer = NULL;
    run->model = NULL;
    run->state = NULL;
}
