/* network.c: a six-layer convolutional network on small images, trained for about a second.
 *
 * Images are 14 x 14, so that 2 epochs of 6,000 drawn digits take about a second on two cores and still give a network
 * whose evaluation is far above chance. The weights do not matter to the cards that use it: they ask whether two ways
 * of evaluating the same weights agree. Logits are computed through ek_session on arrays the study holds itself, so
 * that batch size, order and mode are exactly what the card says.
 */
#include "study/network.h"

#include <evenkeel/train.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TRAIN_IMAGES = 4000, BATCH = 64, EPOCHS = 2 };

static ek_status open_data(const char *spec, ek_split split, int64_t limit, ek_dataset **dataset, ek_error *err) {
    ek_dataset_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.height = options.width = EKS_SIDE;
    options.limit = limit;
    return ek_dataset_open(spec, split, &options, dataset, err);
}

static ek_status open_loader(const ek_dataset *train, const ek_dataset *dataset, int64_t batch, int shuffle,
                             uint64_t seed, ek_loader **loader, ek_error *err) {
    ek_loader_options options = ek_loader_options_default();
    options.batch = batch;
    options.shuffle = shuffle;
    options.seed = seed;
    EKS_TRY(ek_dataset_measure(train, 1000, options.mean, options.std, err));
    EKS_TRY(ek_loader_create(dataset, &options, loader, err));
    return ek_loader_start_epoch(*loader, 0, 0, err);
}

static ek_status build(const eks_study *study, const ek_dataset *train, ek_model **model, ek_error *err) {
    ek_dataset_info info = ek_dataset_describe(train);
    ek_build_options options = ek_build_options_default(eks_network_name(study));
    options.channels = info.channels;
    options.height = options.width = EKS_SIDE;
    options.classes = info.classes;
    options.seed = study->options->seed;
    return ek_model_build(&options, model, err);
}

int eks_network_threads(const eks_study *study) { return study->options->threads > 0 ? study->options->threads : 1; }

static ek_status train_model(eks_study *study, eks_network *network, ek_loader *loader, ek_error *err) {
    ek_train_options options = ek_train_options_default();
    options.total_steps = EPOCHS * ek_loader_batches(loader);
    options.lr = 0.05;
    options.statistics = EK_STATISTICS_EMA; /* as it is taught */
    options.reproducible = 1;               /* the same page from any number of threads */
    options.threads = eks_network_threads(study);
    ek_trainer *trainer = NULL;
    ek_status status = ek_trainer_create(network->model, &options, &trainer, err);
    for (int epoch = 0; epoch < EPOCHS && status == EK_OK; epoch++) {
        status = ek_loader_start_epoch(loader, epoch, 0, err);
        while (status == EK_OK) {
            ek_batch batch;
            ek_step_result result;
            status = ek_loader_next(loader, &batch, err);
            if (status != EK_OK || batch.count == 0) break;
            status = ek_trainer_step(trainer, &batch, &result, err);
            network->seen += batch.count;
        }
    }
    ek_trainer_destroy(trainer);
    return status;
}

/* Keeps the test images of one large batch. */
static ek_status keep_images(eks_network *network, ek_loader *loader, ek_error *err) {
    ek_batch batch;
    EKS_TRY(ek_loader_next(loader, &batch, err));
    size_t pixels = (size_t)(batch.count * network->channels * EKS_SIDE * EKS_SIDE);
    network->count = batch.count;
    network->images = eks_floats(pixels, err);
    network->labels = calloc((size_t)batch.count + 1, sizeof(int32_t));
    if (!network->images || !network->labels) return eks_fail(err, EK_ERR_NOMEM, "out of memory for test images");
    memcpy(network->images, batch.images, pixels * sizeof(float));
    memcpy(network->labels, batch.labels, (size_t)batch.count * sizeof(int32_t));
    return EK_OK;
}

static ek_status make(eks_study *study, eks_network *network, ek_error *err) {
    ek_dataset *train = NULL, *test = NULL;
    ek_loader *loader = NULL, *tests = NULL;
    uint64_t seed = study->options->seed;
    double start = eks_now();
    network->data = study->options->data ? study->options->data : "builtin:strokes";
    ek_status status = open_data(network->data, EK_SPLIT_TRAIN, TRAIN_IMAGES, &train, err);
    if (status != EK_OK) goto done;
    EKS_TRY_DONE(open_data(network->data, EK_SPLIT_TEST, EKS_TEST_IMAGES, &test, err));
    network->channels = ek_dataset_describe(train).channels;
    network->classes = ek_dataset_describe(train).classes;
    EKS_TRY_DONE(build(study, train, &network->model, err));
    EKS_TRY_DONE(open_loader(train, train, BATCH, 1, seed, &loader, err));
    EKS_TRY_DONE(open_loader(train, test, EKS_TEST_IMAGES, 0, seed, &tests, err));
    EKS_TRY_DONE(keep_images(network, tests, err));
    EKS_TRY_DONE(train_model(study, network, loader, err));
    network->seconds = eks_now() - start;
done:
    ek_loader_destroy(tests);
    ek_loader_destroy(loader);
    ek_dataset_close(test);
    ek_dataset_close(train);
    return status;
}

ek_status eks_network_get(eks_study *study, const eks_network **network, ek_error *err) {
    if (!study->network) {
        eks_network *fresh = calloc(1, sizeof *fresh);
        if (!fresh) return eks_fail(err, EK_ERR_NOMEM, "out of memory for a network");
        ek_status status = make(study, fresh, err);
        if (status != EK_OK) {
            eks_network_free(fresh);
            return status;
        }
        study->network = fresh;
    }
    *network = study->network;
    return EK_OK;
}

void eks_network_free(eks_network *network) {
    if (!network) return;
    ek_model_destroy(network->model);
    free(network->images);
    free(network->labels);
    free(network);
}

/* One batch: gathers `count` images in order, runs them, scatters their logits. */
static ek_status run_batch(const eks_network *network, ek_session *session, const int64_t *order, int64_t first,
                           int64_t count, float *gathered, float *logits, ek_error *err) {
    size_t pixels = (size_t)network->channels * EKS_SIDE * EKS_SIDE, classes = (size_t)network->classes;
    for (int64_t i = 0; i < count; i++) {
        int64_t from = order ? order[first + i] : first + i;
        memcpy(gathered + (size_t)i * pixels, network->images + (size_t)from * pixels, pixels * sizeof(float));
    }
    ek_array input = {EK_F32, 4, {count, network->channels, EKS_SIDE, EKS_SIDE}, gathered};
    EKS_TRY(ek_session_run(session, &input, 1, err));
    ek_array output = ek_session_output(session, 0);
    if (output.dtype != EK_F32 || output.rank != 2 || output.dims[0] != count || output.dims[1] != network->classes)
        return eks_fail(err, EK_ERR_SHAPE, "the network gave logits of another shape than expected");
    for (int64_t i = 0; i < count; i++) {
        size_t to = (size_t)(order ? order[first + i] : first + i);
        memcpy(logits + to * classes, (const float *)output.data + (size_t)i * classes, classes * sizeof(float));
    }
    return EK_OK;
}

ek_status eks_network_logits(const eks_network *network, ek_mode mode, int threads, int64_t batch, const int64_t *order,
                             float *logits, ek_error *err) {
    const char *output = ek_model_logits(network->model);
    ek_session_options options = ek_session_options_default();
    options.mode = mode;
    options.threads = threads;
    options.outputs = &output;
    options.output_count = 1;
    ek_session *session = NULL;
    float *gathered = eks_floats((size_t)(batch * network->channels * EKS_SIDE * EKS_SIDE), err);
    if (!gathered) return EK_ERR_NOMEM;
    ek_status status = ek_session_create(network->model, &options, &session, err);
    for (int64_t first = 0; first < network->count && status == EK_OK; first += batch) {
        int64_t count = network->count - first < batch ? network->count - first : batch;
        status = run_batch(network, session, order, first, count, gathered, logits, err);
    }
    ek_session_destroy(session);
    free(gathered);
    return status;
}

double eks_network_accuracy(const eks_network *network, const float *logits) {
    int64_t correct = 0;
    for (int64_t i = 0; i < network->count; i++) {
        const float *row = logits + i * network->classes;
        int best = 0;
        for (int c = 1; c < network->classes; c++)
            if (row[c] > row[best]) best = c;
        correct += best == network->labels[i];
    }
    return network->count ? (double)correct / (double)network->count : NAN;
}

void eks_network_sorted(const eks_network *network, int64_t *order) {
    int64_t next = 0;
    for (int c = 0; c < network->classes; c++)
        for (int64_t i = 0; i < network->count; i++)
            if (network->labels[i] == c) order[next++] = i;
}

/* Copies of the values of one initializer before the step, and the count of those that changed after it. */
static ek_status changed(ek_model *model, const char *name, float **before, double *count, ek_error *err) {
    ek_tensor_info info;
    void *data;
    EKS_TRY(ek_model_tensor_data(model, name, &info, &data, err));
    size_t values = info.bytes / sizeof(float);
    if (!*before) {
        *before = eks_floats(values, err);
        if (!*before) return EK_ERR_NOMEM;
        memcpy(*before, data, values * sizeof(float));
        return EK_OK;
    }
    *count += (double)eks_differing(*before, data, values);
    return EK_OK;
}

/* Calls `changed` for the running values and the affine parameters of every norm; before[] has four per norm. */
static ek_status compare_norms(ek_model *model, float **before, double *running, double *affine, ek_error *err) {
    size_t norms = ek_model_norm_count(model);
    for (size_t i = 0; i < norms; i++) {
        ek_model_norm norm = ek_model_norm_get(model, i);
        EKS_TRY(changed(model, norm.mean, &before[4 * i], running, err));
        EKS_TRY(changed(model, norm.variance, &before[4 * i + 1], running, err));
        EKS_TRY(changed(model, norm.scale, &before[4 * i + 2], affine, err));
        EKS_TRY(changed(model, norm.bias, &before[4 * i + 3], affine, err));
    }
    return EK_OK;
}

static ek_status one_step(ek_model *model, ek_loader *loader, int threads, ek_error *err) {
    ek_train_options options = ek_train_options_default();
    options.schedule = EK_SCHEDULE_CONSTANT;
    options.total_steps = 1;
    options.statistics = EK_STATISTICS_EMA;
    options.threads = threads;
    ek_trainer *trainer = NULL;
    ek_batch batch;
    ek_step_result result;
    ek_status status = ek_trainer_create(model, &options, &trainer, err);
    if (status == EK_OK) status = ek_loader_next(loader, &batch, err);
    if (status == EK_OK) status = ek_trainer_step(trainer, &batch, &result, err);
    ek_trainer_destroy(trainer);
    return status;
}

ek_status eks_network_frozen_step(eks_study *study, double *running_changed, double *affine_changed, ek_error *err) {
    const char *spec = study->options->data ? study->options->data : "builtin:strokes";
    ek_dataset *train = NULL;
    ek_loader *loader = NULL;
    ek_model *model = NULL;
    float **before = NULL;
    size_t norms = 0;
    *running_changed = *affine_changed = 0;
    ek_status status = open_data(spec, EK_SPLIT_TRAIN, 2 * BATCH, &train, err);
    if (status != EK_OK) goto done;
    EKS_TRY_DONE(build(study, train, &model, err));
    EKS_TRY_DONE(open_loader(train, train, BATCH, 0, 1, &loader, err));
    EKS_TRY_DONE(ek_model_freeze(model, "*", 1, -1, NULL, err));
    norms = ek_model_norm_count(model);
    before = calloc(norms + 1, 4 * sizeof *before);
    if (!before) {
        status = eks_fail(err, EK_ERR_NOMEM, "out of memory for %zu norms", norms);
        goto done;
    }
    EKS_TRY_DONE(compare_norms(model, before, running_changed, affine_changed, err));
    EKS_TRY_DONE(one_step(model, loader, eks_network_threads(study), err));
    EKS_TRY_DONE(compare_norms(model, before, running_changed, affine_changed, err));
done:
    for (size_t i = 0; before && i < 4 * norms; i++) free(before[i]);
    free(before);
    ek_loader_destroy(loader);
    ek_model_destroy(model);
    ek_dataset_close(train);
    return status;
}
