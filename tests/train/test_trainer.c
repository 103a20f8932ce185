/* test_trainer.c: a step is all or nothing; frozen things stay; parameter groups; resuming equals going on. */
#include "model/model.h"
#include "train/train_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EXTENT = 8, BATCHES = 6, PER_BATCH = 5, CLASSES = 4 };

static ek_train_options options_for(ek_optimizer optimizer) {
    ek_train_options o = ek_train_options_default();
    o.optimizer = optimizer;
    o.total_steps = 2 * BATCHES;
    o.weight_decay = 0.01;
    o.lr = 0.02;
    o.threads = 2;
    o.reproducible = 1;
    return o;
}

static double train(ek_trainer *trainer, int from, int to) {
    ek_step_result result = {0};
    for (int i = from; i < to; i++) {
        /* The last batch of each epoch is short. */
        int64_t count = i % BATCHES == BATCHES - 1 ? 3 : PER_BATCH;
        fixture_batch b = fixture_make_batch(count, EXTENT * EXTENT, CLASSES, (uint64_t)(i % BATCHES));
        OK(ek_trainer_step(trainer, &b.batch, &result, err));
        assert_int_equal(result.step, i + 1);
        assert_int_equal(result.count, count);
        fixture_free_batch(&b);
    }
    return result.loss;
}

static void test_learns(void **state) {
    (void)state;
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0);
    ek_train_options o = options_for(EK_SGD);
    ek_trainer *trainer;
    ek_step_result first, last = {0};
    o.total_steps = 60;
    OK(ek_trainer_create(model, &o, &trainer, err));
    fixture_batch b = fixture_make_batch(16, EXTENT * EXTENT, CLASSES, 3);
    OK(ek_trainer_step(trainer, &b.batch, &first, err));
    for (int i = 1; i < 60; i++) OK(ek_trainer_step(trainer, &b.batch, &last, err));
    assert_true(first.loss > 0.8);
    assert_true(last.loss < 0.05);
    assert_int_equal(last.correct, 16);
    assert_int_equal(last.skipped_updates, 0);
    assert_string_equal(last.skipped, "");
    fixture_free_batch(&b);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
}

/* One step of SGD without momentum moves the weights by lr times the gradients, of which the norm is then known. */
static double step_length(double clip, ek_step_result *result) {
    ek_model *model = fixture_model("mlp", EK_NORM_LAYER, EXTENT, 0.0);
    ek_train_options o = options_for(EK_SGD);
    ek_trainer *trainer;
    double sum = 0;
    o.momentum = o.weight_decay = 0;
    o.lr = 0.5;
    o.schedule = EK_SCHEDULE_CONSTANT;
    o.clip = clip;
    o.gradient_norm = 1;
    OK(ek_trainer_create(model, &o, &trainer, err));
    fixture_batch b = fixture_make_batch(6, EXTENT * EXTENT, CLASSES, 3);
    ek_model *before = fixture_model("mlp", EK_NORM_LAYER, EXTENT, 0.0);
    OK(ek_trainer_step(trainer, &b.batch, result, err));
    for (size_t i = 0; i < ek_model_tensor_count(model); i++) {
        const ek_tensor_info now = ek_model_tensor(model, i), then = ek_model_tensor(before, i);
        for (size_t k = 0; now.dtype == EK_F32 && k < now.bytes / sizeof(float); k++)
            sum += pow(((double)((const float *)now.data)[k] - (double)((const float *)then.data)[k]) / 0.5, 2);
    }
    fixture_free_batch(&b);
    ek_trainer_destroy(trainer);
    ek_model_destroy(before);
    ek_model_destroy(model);
    return sqrt(sum);
}

static void test_clip(void **state) {
    (void)state;
    ek_step_result plain, clipped, loose;
    double norm = step_length(0, &plain);
    assert_true(norm > 0.1 && fabs(plain.gradient_norm / norm - 1) < 1e-4);
    assert_false(plain.clipped);
    assert_true(fabs(step_length(norm / 4, &clipped) / (norm / 4) - 1) < 1e-4);
    assert_true(clipped.clipped && clipped.gradient_norm == plain.gradient_norm);
    assert_true(step_length(2 * norm, &loose) == norm); /* not reached: the same bits */
    assert_false(loose.clipped);
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0);
    ek_trainer *trainer;
    ek_train_options o = options_for(EK_SGD);
    o.clip = -1;
    FAILS(EK_ERR_ARG, "clip = -1 is out of range", ek_trainer_create(model, &o, &trainer, err));
    ek_model_destroy(model);
}

static const ek_parameter_info *find(const ek_trainer *trainer, const char *name) {
    static ek_parameter_info info;
    for (size_t i = 0; i < ek_trainer_parameter_count(trainer); i++) {
        info = ek_trainer_parameter(trainer, i);
        if (strcmp(info.name, name) == 0) return &info;
    }
    fail_msg("no parameter %s", name);
    return NULL;
}

static void check_groups(int decay_norm) {
    ek_model *model = fixture_model("lenet", EK_NORM_BATCH, 16, 0.0);
    ek_train_options o = options_for(EK_ADAMW);
    ek_trainer *trainer;
    o.decay_norm = decay_norm;
    OK(ek_model_freeze(model, "bn2", -1, 1, NULL, err));
    OK(ek_trainer_create(model, &o, &trainer, err));
    fixture_batch b = fixture_make_batch(2, 256, CLASSES, 1);
    OK(ek_trainer_step(trainer, &b.batch, NULL, err));
    fixture_free_batch(&b);
    assert_int_equal(ek_trainer_parameter_count(trainer), 5 + 1 + 2 * 4);
    const ek_parameter_info *p = find(trainer, "conv1.weight");
    assert_true(p->decayed && p->trained && !p->norm && p->count == 6 * 25);
    p = find(trainer, "bn1.scale");
    assert_true(p->decayed == decay_norm && p->trained && p->norm);
    p = find(trainer, "fc3.bias");
    assert_true(p->decayed == decay_norm && p->trained && !p->norm);
    p = find(trainer, "bn2.bias");
    assert_true(!p->decayed && !p->trained && p->norm);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
}

static void test_groups(void **state) {
    (void)state;
    check_groups(0);
    check_groups(1);
}

static void copy_tensor(const ek_model *model, const char *name, float out[64]) {
    for (size_t i = 0; i < ek_model_tensor_count(model); i++) {
        ek_tensor_info info = ek_model_tensor(model, i);
        if (strcmp(info.name, name) == 0) {
            memcpy(out, info.data, info.bytes < 256 ? info.bytes : 256);
            return;
        }
    }
    fail_msg("no tensor %s", name);
}

static void test_frozen(void **state) {
    (void)state;
    static const char *const kept[] = {"bn1.scale", "bn1.bias", "bn1.running_mean", "bn1.running_var"};
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0);
    ek_train_options o = options_for(EK_ADAM);
    ek_trainer *trainer;
    o.decay_norm = 1;
    OK(ek_model_freeze(model, "bn1", 1, 1, NULL, err));
    float before[5][64], after[64];
    for (int i = 0; i < 4; i++) copy_tensor(model, kept[i], before[i]);
    copy_tensor(model, "bn2.running_mean", before[4]);
    OK(ek_trainer_create(model, &o, &trainer, err));
    (void)train(trainer, 0, BATCHES);
    for (int i = 0; i < 4; i++) {
        copy_tensor(model, kept[i], after);
        assert_memory_equal(before[i], after, sizeof after);
    }
    copy_tensor(model, "bn2.running_mean", after);
    assert_memory_not_equal(before[4], after, sizeof after);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
}

/* A refused batch leaves every bit of the model and of the run as if it had never been. */
static void test_refused_batches(void **state) {
    (void)state;
    ek_train_options o = options_for(EK_SGD);
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.25);
    ek_model *other = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.25);
    ek_trainer *trainer, *undisturbed;
    OK(ek_trainer_create(model, &o, &trainer, err));
    OK(ek_trainer_create(other, &o, &undisturbed, err));
    (void)train(trainer, 0, 3);
    (void)train(undisturbed, 0, 3);
    uint64_t hash = fixture_hash(model);
    fixture_batch b = fixture_make_batch(PER_BATCH, EXTENT * EXTENT, CLASSES, 99);
    b.images[17] = NAN;
    FAILS(EK_ERR_NONFINITE, "step 4: the loss of example 9900", ek_trainer_step(trainer, &b.batch, NULL, err));
    assert_true(hash == fixture_hash(model));
    b.images[17] = INFINITY;
    FAILS(EK_ERR_NONFINITE, "is not finite", ek_trainer_step(trainer, &b.batch, NULL, err));
    b.images[17] = 0.0F;
    b.labels[2] = CLASSES;
    FAILS(EK_ERR_ARG, "example 99002 has label 4", ek_trainer_step(trainer, &b.batch, NULL, err));
    b.batch.count = 0;
    FAILS(EK_ERR_ARG, "at least one image", ek_trainer_step(trainer, &b.batch, NULL, err));
    assert_true(hash == fixture_hash(model));
    fixture_free_batch(&b);
    (void)train(trainer, 3, 8);
    (void)train(undisturbed, 3, 8);
    fixture_same_tensors(model, other);
    ek_trainer_destroy(trainer);
    ek_trainer_destroy(undisturbed);
    ek_model_destroy(model);
    ek_model_destroy(other);
}

/* Logits may be finite and a gradient still overflow. */
static void test_refused_gradient(void **state) {
    (void)state;
    ek_train_options o = options_for(EK_SGD);
    ek_model *model = fixture_model("mlp", (ek_norm_kind)0, EXTENT, 0.0);
    ek_trainer *trainer;
    ek_tensor_info info;
    void *first, *last;
    OK(ek_model_tensor_data(model, "fc4.weight", &info, &last, err));
    for (size_t i = 0; i < info.bytes / 4; i++) ((float *)last)[i] *= 1e6F;
    OK(ek_model_tensor_data(model, "fc1.weight", &info, &first, err));
    for (size_t i = 0; i < info.bytes / 4; i++) ((float *)first)[i] *= 1e-36F;
    OK(ek_trainer_create(model, &o, &trainer, err));
    uint64_t hash = fixture_hash(model);
    fixture_batch b = fixture_make_batch(PER_BATCH, EXTENT * EXTENT, CLASSES, 1);
    for (int i = 0; i < PER_BATCH * EXTENT * EXTENT; i++) b.images[i] *= 1e36F;
    FAILS(EK_ERR_NONFINITE, "step 1: the gradient of 'fc1.weight'", ek_trainer_step(trainer, &b.batch, NULL, err));
    assert_true(hash == fixture_hash(model));
    fixture_free_batch(&b);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
}

/* --reproducible: equal bits for any number of threads. */
static void test_threads(void **state) {
    (void)state;
    ek_model *models[3];
    for (int i = 0; i < 3; i++) {
        ek_train_options o = options_for(EK_ADAMW);
        ek_trainer *trainer;
        o.threads = 1 + i;
        models[i] = fixture_model("cnn6", EK_NORM_BATCH, EXTENT, 0.25);
        OK(ek_trainer_create(models[i], &o, &trainer, err));
        (void)train(trainer, 0, BATCHES);
        ek_trainer_destroy(trainer);
    }
    for (int i = 2; i >= 0; i--) {
        fixture_same_tensors(models[0], models[i]);
        ek_model_destroy(models[i]);
    }
}

static void assert_same_file(const char *a, const char *b) {
    size_t size_a, size_b;
    unsigned char *x = fixture_read(a, &size_a), *y = fixture_read(b, &size_b);
    assert_true(x && y);
    assert_int_equal(size_a, size_b);
    for (size_t i = 0; i < size_a; i++) {
        if (x[i] != y[i]) fail_msg("%s and %s differ at byte %zu of %zu", a, b, i, size_a);
    }
    free(x);
    free(y);
}

static void check_resume(const char *architecture, ek_optimizer optimizer, int at) {
    ek_train_options o = options_for(optimizer);
    const ek_position middle = {
        .epoch = 0, .batch = at, .loss_sum = 1.5, .correct = 3, .seen = 20, .flags = "--lr 1\n"};
    const ek_position end = {.epoch = 2, .flags = ""};
    ek_model *model = fixture_model(architecture, EK_NORM_BATCH, EXTENT, 0.25);
    ek_trainer *trainer;
    OK(ek_trainer_create(model, &o, &trainer, err));
    (void)train(trainer, 0, at);
    OK(ek_trainer_save(trainer, fixture_path("part.onnx"), &middle, err));
    (void)train(trainer, at, 2 * BATCHES);
    OK(ek_trainer_save(trainer, fixture_path("whole.onnx"), &end, err));
    ek_trainer_destroy(trainer);

    ek_checkpoint checkpoint;
    OK(ek_checkpoint_load(fixture_path("part.onnx"), &checkpoint, err));
    assert_int_equal(checkpoint.position.batch, at);
    assert_int_equal(checkpoint.position.seen, 20);
    assert_true(checkpoint.position.loss_sum == 1.5);
    assert_string_equal(checkpoint.position.flags, "--lr 1\n");
    assert_non_null(strstr(checkpoint.environment, "threads=2\n"));
    ek_trainer *resumed;
    OK(ek_trainer_create(checkpoint.model, &o, &resumed, err));
    OK(ek_trainer_restore(resumed, &checkpoint, err));
    (void)train(resumed, at, 2 * BATCHES);
    fixture_same_tensors(model, checkpoint.model);
    OK(ek_trainer_save(resumed, fixture_path("resumed.onnx"), &end, err));
    assert_same_file(fixture_path("whole.onnx"), fixture_path("resumed.onnx"));
    assert_same_file(fixture_path("whole.onnx.state"), fixture_path("resumed.onnx.state"));
    ek_trainer_destroy(resumed);
    ek_model_destroy(checkpoint.model);
    ek_checkpoint_free(&checkpoint);
    ek_model_destroy(model);
}

static void test_resume(void **state) {
    (void)state;
    for (int at = 1; at < 2 * BATCHES; at += 2) check_resume("mlp", EK_SGD, at);
    check_resume("mlp", EK_ADAM, 5);
    check_resume("cnn6", EK_ADAMW, 4);
    fixture_clean();
}

static void test_wrong_models(void **state) {
    (void)state;
    ek_train_options o = options_for(EK_SGD);
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0);
    ek_trainer *trainer;
    OK(ek_model_freeze(model, "*", 0, 1, NULL, err));
    OK(ek_model_freeze(model, "*", 0, 0, NULL, err));
    OK(ek_trainer_create(model, &o, &trainer, err));
    FAILS(EK_ERR_ARG, "checkpoint is empty", ek_trainer_restore(trainer, &(ek_checkpoint){0}, err));
    ek_trainer_destroy(trainer);
    o.schedule = (ek_schedule)9;
    FAILS(EK_ERR_ARG, "schedule 9", ek_trainer_create(model, &o, &trainer, err));
    assert_null(trainer);
    ek_model_destroy(model);
}

/* Running statistics that the graph computes have no place where an update could be kept. */
static void test_computed_statistics(void **state) {
    (void)state;
    ek_train_options o = options_for(EK_SGD);
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0);
    eki_graph *graph = model->document;
    eki_node *norm = NULL, *made;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        if (strcmp(graph->nodes[i]->op_type, "BatchNormalization") == 0) norm = graph->nodes[i];
    }
    assert_non_null(norm);
    eki_value *absolute;
    OK(eki_graph_value(graph, "computed", &absolute, err));
    OK(eki_graph_add_node(graph, "Abs", "", "", &norm->in[4], 1, &absolute, 1, &made, err));
    norm->in[4] = absolute;
    OK(eki_graph_sort(graph, err));
    OK(ek_model_save(model, fixture_path("computed.onnx"), NULL, err));
    ek_model_destroy(model);
    OK(ek_model_load(fixture_path("computed.onnx"), &model, err));
    ek_trainer *trainer;
    FAILS(EK_ERR_UNSUPPORTED,
          "could not update them; freeze them: --freeze-stats=", ek_trainer_create(model, &o, &trainer, err));
    OK(ek_model_freeze(model, "*", 1, -1, NULL, err));
    OK(ek_trainer_create(model, &o, &trainer, err));
    (void)train(trainer, 0, 2);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
    fixture_clean();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_computed_statistics),
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_refused_batches),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_wrong_models),
        cmocka_unit_test(test_refused_gradient),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
