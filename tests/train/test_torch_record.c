/* test_torch_record.c: does training take the steps that PyTorch takes? What PyTorch 1.13 gave stands in
 * torch_record.txt, which against_torch.py writes: the loss of each of 50 steps, of each weight tensor how far it moved
 * and its product with given numbers. Data and weights are made here as there.
 */
#include "model/model.h"
#include "train_fixture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STEPS = 50, BATCH = 32, COUNT = 320, CLASSES = 4, IMAGE = 3 * 8 * 8, PLACES = 8 * 8, TENSORS = 7 };

/* Numbers in [-1, 1). */
static float number(uint32_t salt, uint32_t i) {
    uint32_t h = i * 0x9E3779B1U + salt * 0x85EBCA77U;
    h = (h ^ (h >> 15)) * 0x2C1B3C6DU;
    h = (h ^ (h >> 12)) * 0x297A2D39U;
    h ^= h >> 15;
    return (float)(h >> 8) / 8388608.0f - 1.0f;
}

static int64_t class_of(uint32_t salt, uint32_t i) { return (int64_t)((number(salt, i) + 1) * (CLASSES / 2)); }

static float x[COUNT * IMAGE], numbers[COUNT * CLASSES], bits[COUNT * CLASSES];
static int64_t labels[COUNT], ignored[COUNT], pixels[COUNT * PLACES];
static const float class_weights[CLASSES] = {0.5f, 2.0f, 1.0f, 0.25f};

static void make_data(void) {
    for (uint32_t i = 0; i < COUNT * IMAGE; i++) x[i] = 2 * number(1, i);
    for (uint32_t i = 0; i < COUNT; i++) {
        labels[i] = class_of(2, i);
        ignored[i] = number(3, i) < -0.6f ? -100 : labels[i];
    }
    for (uint32_t i = 0; i < COUNT * PLACES; i++) pixels[i] = i % PLACES < 8 ? -100 : class_of(4, i);
    for (uint32_t i = 0; i < COUNT * CLASSES; i++) {
        numbers[i] = 2 * number(5, i);
        bits[i] = number(6, i) < -0.2f ? 1 : 0;
    }
}

/* ---- The model: convolution, batch norm, ReLU; a map of classes, and a vector of them ---- */

static eki_value *value_of(eki_graph *graph, const char *name) {
    eki_value *value;
    assert_int_equal(eki_graph_value(graph, name, &value, NULL), EK_OK);
    return value;
}

static eki_node *node(eki_graph *graph, const char *op, const char *out, const char *const *in, int n_in) {
    eki_value *from[5], *to = value_of(graph, out);
    eki_node *made;
    for (int i = 0; i < n_in; i++) from[i] = value_of(graph, in[i]);
    assert_int_equal(eki_graph_add_node(graph, op, "", "", from, n_in, &to, 1, &made, NULL), EK_OK);
    return made;
}
#define NODE(graph, op, out, ...)                                                                                      \
    node(graph, op, out, (const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

static const struct {
    const char *name;
    float scale, base;
    eki_shape shape;
} tensors[TENSORS] = {
    {"c.weight", 0.4f, 0, {.rank = 4, .dims = {8, 3, 3, 3}}},
    {"n.weight", 0.2f, 1, {.rank = 1, .dims = {8}}},
    {"n.bias", 0.1f, 0, {.rank = 1, .dims = {8}}},
    {"s.weight", 0.4f, 0, {.rank = 4, .dims = {CLASSES, 8, 1, 1}}},
    {"s.bias", 0.1f, 0, {.rank = 1, .dims = {CLASSES}}},
    {"f.weight", 0.4f, 0, {.rank = 2, .dims = {CLASSES, 8}}},
    {"f.bias", 0.1f, 0, {.rank = 1, .dims = {CLASSES}}},
};

static float *add_tensor(eki_graph *graph, const char *name, const eki_shape *shape, size_t *count) {
    eki_value *value;
    assert_int_equal(eki_graph_add_tensor(graph, name, EK_F32, shape, &value, NULL), EK_OK);
    *count = value->init->bytes / sizeof(float);
    return value->init->data;
}

static void add_input(eki_graph *graph, const char *name, const eki_shape *shape) {
    eki_value *value = value_of(graph, name);
    value->dtype = EK_F32;
    value->shape = *shape;
    assert_int_equal(eki_graph_symbol(graph, "N", &value->shape.dims[0], NULL), EK_OK);
    assert_int_equal(eki_graph_add_input(graph, value, NULL), EK_OK);
}

static ek_model *make_model(void) {
    static const int64_t pads[4] = {1, 1, 1, 1};
    const eki_shape eight = {.rank = 1, .dims = {8}};
    eki_graph *graph;
    ek_model *model;
    size_t count;
    assert_int_equal(eki_graph_create(14, &graph, NULL), EK_OK);
    add_input(graph, "x", &(eki_shape){.rank = 4, .dims = {0, 3, 8, 8}});
    for (uint32_t t = 0; t < TENSORS; t++) {
        float *to = add_tensor(graph, tensors[t].name, &tensors[t].shape, &count);
        for (uint32_t i = 0; i < count; i++) to[i] = number(11 + t, i) * tensors[t].scale + tensors[t].base;
    }
    (void)add_tensor(graph, "mean", &eight, &count);
    float *variance = add_tensor(graph, "var", &eight, &count);
    for (size_t i = 0; i < count; i++) variance[i] = 1;
    eki_node *made = NODE(graph, "Conv", "a", "x", "c.weight");
    assert_int_equal(eki_node_set_ints(graph, made, "pads", pads, 4, NULL), EK_OK);
    NODE(graph, "BatchNormalization", "b", "a", "n.weight", "n.bias", "mean", "var");
    NODE(graph, "Relu", "h", "b");
    NODE(graph, "GlobalAveragePool", "p", "h");
    NODE(graph, "Flatten", "q", "p");
    made = NODE(graph, "Gemm", "y", "q", "f.weight", "f.bias");
    assert_int_equal(eki_node_set_int(graph, made, "transB", 1, NULL), EK_OK);
    NODE(graph, "Conv", "m", "h", "s.weight", "s.bias");
    assert_int_equal(eki_graph_add_output(graph, value_of(graph, "y"), NULL), EK_OK);
    assert_int_equal(eki_graph_add_output(graph, value_of(graph, "m"), NULL), EK_OK);
    OK(eki_graph_infer(graph, NULL, err));
    OK(eki_model_wrap(graph, &model, err));
    return model;
}

/* mean(|y - t|^3), which is not built in. */
static ek_model *make_cube(void) {
    const eki_shape shape = {.rank = 2, .dims = {0, CLASSES}};
    eki_graph *graph;
    ek_model *model;
    size_t count;
    assert_int_equal(eki_graph_create(13, &graph, NULL), EK_OK);
    add_input(graph, "y", &shape);
    add_input(graph, "t", &shape);
    *add_tensor(graph, "three", &(eki_shape){.rank = 0}, &count) = 3;
    NODE(graph, "Sub", "d", "y", "t");
    NODE(graph, "Abs", "e", "d");
    NODE(graph, "Pow", "g", "e", "three");
    eki_node *mean = NODE(graph, "ReduceMean", "l", "g");
    assert_int_equal(eki_node_set_int(graph, mean, "keepdims", 0, NULL), EK_OK);
    assert_int_equal(eki_graph_add_output(graph, value_of(graph, "l"), NULL), EK_OK);
    OK(eki_graph_infer(graph, NULL, err));
    OK(eki_model_wrap(graph, &model, err));
    return model;
}

/* ---- The cases, as against_torch.py has them ---- */

#define LABELS EK_I64, 1, {COUNT}, labels
#define IGNORED EK_I64, 1, {COUNT}, ignored
#define PIXELS EK_I64, 3, {COUNT, 8, 8}, pixels
#define NUMBERS EK_F32, 2, {COUNT, CLASSES}, numbers
#define BITS EK_F32, 2, {COUNT, CLASSES}, bits
#define W .class_weights = class_weights, .class_count = CLASSES

typedef struct target {
    ek_dtype dtype;
    int rank;
    int64_t dims[3];
    const void *data;
} target;

static const struct {
    const char *name;
    target t;
    ek_loss loss;
    int adam;
    double clip;
    ek_average average; /* its weights are compared */
} cases[] = {
    {"cross-entropy", {LABELS}, {.kind = EK_LOSS_CROSS_ENTROPY, .output = "y"}, 0, 0, EK_AVERAGE_NONE},
    {"weights", {LABELS}, {.kind = EK_LOSS_CROSS_ENTROPY, .output = "y", W}, 0, 0, EK_AVERAGE_NONE},
    {"smoothing",
     {LABELS},
     {.kind = EK_LOSS_CROSS_ENTROPY, .output = "y", .label_smoothing = 0.1},
     0,
     0,
     EK_AVERAGE_NONE},
    {"weights, smoothing, ignored",
     {IGNORED},
     {.kind = EK_LOSS_CROSS_ENTROPY, .output = "y", .label_smoothing = 0.2, W},
     0,
     0,
     EK_AVERAGE_NONE},
    {"per pixel, ignored", {PIXELS}, {.kind = EK_LOSS_CROSS_ENTROPY, .output = "m"}, 0, 0, EK_AVERAGE_NONE},
    {"per pixel, weights, adam", {PIXELS}, {.kind = EK_LOSS_CROSS_ENTROPY, .output = "m", W}, 1, 0, EK_AVERAGE_NONE},
    {"bce", {BITS}, {.kind = EK_LOSS_BCE, .output = "y"}, 0, 0, EK_AVERAGE_NONE},
    {"bce, weights", {BITS}, {.kind = EK_LOSS_BCE, .output = "y", W}, 0, 0, EK_AVERAGE_NONE},
    {"mse", {NUMBERS}, {.kind = EK_LOSS_MSE, .output = "y"}, 0, 0, EK_AVERAGE_NONE},
    {"mae", {NUMBERS}, {.kind = EK_LOSS_MAE, .output = "y"}, 0, 0, EK_AVERAGE_NONE},
    {"huber", {NUMBERS}, {.kind = EK_LOSS_HUBER, .output = "y"}, 0, 0, EK_AVERAGE_NONE},
    {"huber, delta 0.4", {NUMBERS}, {.kind = EK_LOSS_HUBER, .output = "y", .delta = 0.4}, 0, 0, EK_AVERAGE_NONE},
    {"from a file", {NUMBERS}, {.kind = EK_LOSS_GRAPH}, 0, 0, EK_AVERAGE_NONE},
    {"clipped", {NUMBERS}, {.kind = EK_LOSS_MSE, .output = "y"}, 0, 0.5, EK_AVERAGE_NONE},
    {"ema", {NUMBERS}, {.kind = EK_LOSS_MSE, .output = "y"}, 0, 0, EK_AVERAGE_EMA},
    {"swa", {NUMBERS}, {.kind = EK_LOSS_MSE, .output = "y"}, 0, 0, EK_AVERAGE_SWA},
};
enum { CASES = sizeof cases / sizeof *cases };

/* 50 steps at `rate` times the rate that PyTorch had. */
static void run(ek_model *model, size_t at, double rate, double losses[STEPS]) {
    const target *t = &cases[at].t;
    const ek_array_source sources[2] = {{.name = "x", .dtype = EK_F32, .rank = 4, .dims = {COUNT, 3, 8, 8}, .data = x},
                                        {.name = "t",
                                         .dtype = t->dtype,
                                         .rank = t->rank,
                                         .dims = {t->dims[0], t->dims[1], t->dims[2]},
                                         .data = t->data}};
    ek_train_options o = ek_train_options_default();
    ek_loader_options l = ek_loader_options_default();
    ek_loss loss = cases[at].loss;
    ek_dataset *data;
    ek_loader *loader;
    ek_trainer *trainer;
    ek_batch batch;
    ek_step_result result;
    if (loss.kind == EK_LOSS_GRAPH) loss.graph = make_cube();
    if (loss.graph == NULL) loss.target = "t";
    l.batch = BATCH;
    o.losses = &loss;
    o.loss_count = 1;
    o.total_steps = STEPS;
    o.optimizer = cases[at].adam ? EK_ADAM : EK_SGD;
    o.lr = rate * (cases[at].adam ? 0.002 : 0.02);
    o.clip = cases[at].clip;
    o.average = cases[at].average;
    o.average_decay = 0.9;
    o.average_start = 0;
    o.schedule = EK_SCHEDULE_CONSTANT;
    o.statistics = EK_STATISTICS_EMA;
    o.threads = 1;
    OK(ek_dataset_open_arrays(sources, 2, 0, &data, err));
    OK(ek_loader_create(data, &l, &loader, err));
    OK(ek_trainer_create(model, &o, &trainer, err));
    for (int64_t step = 0; step < STEPS; step++) {
        if (step % (COUNT / BATCH) == 0) OK(ek_loader_start_epoch(loader, 0, 0, err));
        OK(ek_loader_next(loader, &batch, err));
        OK(ek_trainer_step(trainer, &batch, &result, err));
        losses[step] = result.loss;
    }
    if (o.average != EK_AVERAGE_NONE) OK(ek_trainer_take_average(trainer, err));
    ek_trainer_destroy(trainer);
    ek_loader_destroy(loader);
    ek_dataset_close(data);
    ek_model_destroy(loss.graph);
}

/* ---- Against the record ---- */

typedef struct expected {
    double losses[STEPS], moved[TENSORS], product[TENSORS];
} expected;

static void read_case(FILE *file, const char *name, expected *e) {
    char line[80];
    assert_non_null(fgets(line, sizeof line, file));
    line[strcspn(line, "\n")] = 0;
    assert_true(strncmp(line, "case ", 5) == 0);
    assert_string_equal(line + 5, name);
    for (int i = 0; i < STEPS; i++) assert_int_equal(fscanf(file, "%lf", &e->losses[i]), 1);
    for (int t = 0; t < TENSORS; t++) {
        assert_int_equal(fscanf(file, " %79s %lf %lf", line, &e->moved[t], &e->product[t]), 3);
        assert_string_equal(line, tensors[t].name);
    }
    assert_int_equal(fgetc(file), '\n');
}

static double furthest(const double *losses, const expected *e) {
    double worst = 0;
    for (int i = 0; i < STEPS; i++) worst = fmax(worst, fabs(losses[i] - e->losses[i]) / fabs(e->losses[i]));
    return worst;
}

/* Weights that differ by 1e-4 of their movement have products that differ by so much at most. */
static void check_weights(const ek_model *model, const expected *e, const char *name) {
    for (int t = 0; t < TENSORS; t++) {
        ek_tensor_info info = {.name = ""};
        double product = 0, length = 0;
        for (size_t i = 0; strcmp(info.name, tensors[t].name) != 0; i++) info = ek_model_tensor(model, i);
        size_t count = 1;
        for (int i = 0; i < info.rank; i++) count *= (size_t)info.dims[i];
        for (uint32_t i = 0; i < count; i++) {
            double factor = (double)number(21, i);
            product += factor * (double)((const float *)info.data)[i];
            length += factor * factor;
        }
        double off = fabs(product - e->product[t]), may = 1e-4 * e->moved[t] * sqrt(length) + 1e-9;
        if (!(off <= may)) fail_msg("%s: %s is off by %g, at most %g", name, tensors[t].name, off, may);
    }
}

static void as_pytorch(void **state) {
    (void)state;
    FILE *file = fopen(EK_SOURCE_DIR "/tests/train/torch_record.txt", "r");
    assert_non_null(file);
    make_data();
    for (size_t i = 0; i < CASES; i++) {
        expected e;
        double losses[STEPS];
        ek_model *model = make_model();
        read_case(file, cases[i].name, &e);
        run(model, i, 1, losses);
        if (!(furthest(losses, &e) <= 1e-5)) fail_msg("%s: losses differ by %g", cases[i].name, furthest(losses, &e));
        check_weights(model, &e, cases[i].name);
        ek_model_destroy(model);
        if (i != 0) continue;
        model = make_model(); /* another rate is found out */
        run(model, i, 1.01, losses);
        assert_true(furthest(losses, &e) > 1e-5);
        ek_model_destroy(model);
    }
    assert_int_equal(fgetc(file), EOF);
    (void)fclose(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_pytorch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
