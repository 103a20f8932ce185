/* torch_steps.c: trains a model over arrays in file order and prints the loss of each step, for against_torch.py.
 *
 *     torch_steps MODEL.onnx OUT.onnx KIND[:OPTION...] BATCH STEPS sgd|adam LR CLIP none|ema|swa X.npy NAME=T.npy
 *
 * KIND is that of a built-in loss, or FILE.onnx; options: e=SMOOTHING, d=DELTA, w=W.npy (f32). NAME is the output.
 * ema: of decay 0.9; swa: from the first step on.
 */
#include <evenkeel/train.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(ek_status status, const ek_error *err) {
    if (status == EK_OK) return;
    fprintf(stderr, "torch_steps: %s\n", err->text);
    exit(1);
}

static ek_loss read_loss(char *text, ek_error *err) {
    static const char *const kinds[] = {"cross-entropy", "bce", "mse", "mae", "huber"};
    ek_loss loss = {.target = "t"};
    char *word = strtok(text, ":");
    for (int i = 0; i < 5; i++)
        if (strcmp(word, kinds[i]) == 0) loss.kind = (ek_loss_kind)(i + 1);
    if (loss.kind == 0) {
        loss.kind = EK_LOSS_GRAPH;
        need(ek_model_load(word, &loss.graph, err), err);
    }
    while ((word = strtok(NULL, ":")) != NULL) {
        if (word[0] == 'e') loss.label_smoothing = atof(word + 2);
        if (word[0] == 'd') loss.delta = atof(word + 2);
        if (word[0] != 'w') continue;
        static ek_npy weights; /* lives until the end */
        need(ek_npy_read(word + 2, &weights, err), err);
        loss.class_weights = weights.data;
        loss.class_count = (size_t)weights.dims[0];
    }
    return loss;
}

int main(int argc, char **argv) {
    ek_error err = {.text = ""};
    ek_model *model;
    ek_dataset *data;
    ek_loader *loader;
    ek_trainer *trainer;
    if (argc < 12) return 2;
    need(ek_model_load(argv[1], &model, &err), &err);
    ek_loss loss = read_loss(argv[3], &err);
    char *equals = strchr(argv[11], '=');
    *equals = 0;
    loss.output = loss.graph == NULL ? argv[11] : NULL;
    ek_array_source sources[] = {{.name = ek_model_input(model, 0).name, .path = argv[10]},
                                 {.name = "t", .path = equals + 1}};
    need(ek_dataset_open_arrays(sources, 2, 0, &data, &err), &err);
    ek_loader_options l = ek_loader_options_default();
    l.batch = atoll(argv[4]);
    need(ek_loader_create(data, &l, &loader, &err), &err);
    ek_train_options o = ek_train_options_default();
    o.losses = &loss;
    o.loss_count = 1;
    o.total_steps = atoll(argv[5]);
    o.optimizer = strcmp(argv[6], "adam") == 0 ? EK_ADAM : EK_SGD;
    o.lr = atof(argv[7]);
    o.clip = atof(argv[8]);
    o.average = strcmp(argv[9], "ema") == 0 ? EK_AVERAGE_EMA : strcmp(argv[9], "swa") == 0 ? EK_AVERAGE_SWA : 0;
    o.average_decay = 0.9;
    o.average_start = 0;
    o.schedule = EK_SCHEDULE_CONSTANT;
    o.statistics = EK_STATISTICS_EMA;
    need(ek_trainer_create(model, &o, &trainer, &err), &err);
    int64_t batches = ek_loader_batches(loader);
    for (int64_t step = 0; step < o.total_steps; step++) {
        ek_batch batch;
        ek_step_result result;
        if (step % batches == 0) need(ek_loader_start_epoch(loader, step / batches, 0, &err), &err);
        need(ek_loader_next(loader, &batch, &err), &err);
        need(ek_trainer_step(trainer, &batch, &result, &err), &err);
        printf("%.9g\n", result.loss);
    }
    if (o.average != EK_AVERAGE_NONE) need(ek_trainer_take_average(trainer, &err), &err);
    need(ek_model_save(model, argv[2], NULL, &err), &err);
    ek_trainer_destroy(trainer);
    ek_loader_destroy(loader);
    ek_dataset_close(data);
    ek_model_destroy(model);
    ek_model_destroy(loss.graph);
    return 0;
}
