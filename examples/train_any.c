/* train_any.c: a model learns the frequency of noisy waves: arrays and a loss of one's own, no images, no labels.
 *
 *     train_any [LOSS.onnx]     a graph whose inputs are "logits", what the model gives, and "t", the frequencies
 *
 * One array is made when it is asked for, the other lies in memory; files of any size are a `path` instead. */
#include <evenkeel/train.h>
#include <math.h>
#include <stdio.h>

enum { COUNT = 2048, LENGTH = 48, BATCH = 32, EPOCHS = 6 };

static float frequency[COUNT];

static ek_status read_wave(void *context, int64_t index, void *example, ek_error *err) {
    float *x = example;
    (void)context, (void)err;
    for (int i = 0; i < LENGTH; i++) {
        double noise = sin(12.9898 * (double)(index * LENGTH + i)) * 43758.5453;
        x[i] = (float)(sin(0.3 * i * (double)frequency[index]) + 0.1 * (noise - floor(noise) - 0.5));
    }
    return EK_OK;
}

/* A metric of one's own: how far off the answers are, on the mean. */
static ek_status judge(ek_model *model, double *off, ek_error *err) {
    static float x[COUNT * LENGTH];
    ek_array input = {.dtype = EK_F32, .rank = 4, .dims = {COUNT, 1, 1, LENGTH}, .data = x};
    ek_session *session;
    for (int i = 0; i < COUNT; i++) (void)read_wave(NULL, i, x + i * LENGTH, err);
    ek_status status = ek_session_create(model, NULL, &session, err);
    if (status != EK_OK) return status;
    status = ek_session_run(session, &input, 1, err);
    *off = 0;
    for (int i = 0; status == EK_OK && i < COUNT; i++)
        *off += fabs((double)(((float *)ek_session_output(session, 0).data)[i] - frequency[i])) / COUNT;
    ek_session_destroy(session);
    return status;
}

static ek_status train(ek_model *model, const ek_dataset *data, const ek_loss *loss, ek_error *err) {
    ek_train_options o = ek_train_options_default();
    ek_loader_options l = ek_loader_options_default();
    ek_trainer *trainer = NULL;
    ek_loader *loader = NULL;
    ek_batch batch;
    ek_step_result last = {0};
    o.losses = loss, o.loss_count = 1, o.threads = 1;
    o.optimizer = EK_ADAM, o.lr = 0.005, o.total_steps = EPOCHS * COUNT / BATCH;
    l.batch = BATCH, l.shuffle = 1;
    ek_status s = ek_trainer_create(model, &o, &trainer, err);
    if (s == EK_OK) s = ek_loader_create(data, &l, &loader, err);
    for (int epoch = 0; s == EK_OK && epoch < EPOCHS; epoch++) {
        s = ek_loader_start_epoch(loader, epoch, 0, err);
        while (s == EK_OK && (s = ek_loader_next(loader, &batch, err)) == EK_OK && batch.count > 0)
            s = ek_trainer_step(trainer, &batch, &last, err);
        printf("epoch %d: loss %.5f\n", epoch + 1, last.loss);
    }
    ek_loader_destroy(loader);
    ek_trainer_destroy(trainer);
    return s;
}

int main(int argc, char **argv) {
    ek_error err = {0};
    ek_build_options build = ek_build_options_default("mlp");
    ek_model *model = NULL, *graph = NULL;
    ek_dataset *data = NULL;
    ek_loss loss = {.kind = EK_LOSS_HUBER, .target = "t", .delta = 0.1};
    double before = 0, after = 0;
    for (int i = 0; i < COUNT; i++) frequency[i] = 0.5f + (float)((unsigned)i * 2654435761U % 1000U) / 1000.0f;
    build.height = 1, build.width = LENGTH, build.classes = 1;
    ek_status s = ek_model_build(&build, &model, &err);
    if (s == EK_OK && argc > 1) s = ek_model_load(argv[1], &graph, &err);
    if (graph != NULL) loss = (ek_loss){.kind = EK_LOSS_GRAPH, .graph = graph};
    ek_array_source arrays[] = {
        {.name = "input", .dtype = EK_F32, .rank = 4, .dims = {COUNT, 1, 1, LENGTH}, .read = read_wave},
        {.name = "t", .dtype = EK_F32, .rank = 2, .dims = {COUNT, 1}, .data = frequency}};
    if (s == EK_OK) s = ek_dataset_open_arrays(arrays, 2, 0, &data, &err);
    if (s == EK_OK) s = judge(model, &before, &err);
    if (s == EK_OK) s = train(model, data, &loss, &err);
    if (s == EK_OK) s = judge(model, &after, &err);
    if (s != EK_OK) fprintf(stderr, "%s\n", err.text);
    printf("off by %.3f before, %.3f after\n", before, after);
    ek_dataset_close(data);
    ek_model_destroy(model);
    ek_model_destroy(graph);
    return s == EK_OK && after < 0.05 ? 0 : 1;
}
