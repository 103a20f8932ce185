/* Is every built-in loss, and one from a file, the number that its formula says, is the gradient that is followed its
 * own, and is what does not fit refused with a name, before anything is changed?
 */
#include "base/random.h"
#include "model/model.h"
#include "train_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 12, IN = 5, OUT = 3 };

static float x_data[N * IN], numbers[N * OUT], bits[N * OUT];
static int64_t classes[N];
static const float class_weights[OUT] = {0.5f, 2.0f, 1.25f};

static float draw(const char *purpose, uint64_t i) {
    return (float)(eki_random_u32(eki_random_stream(7, purpose, 0, 0), i) % 4096) / 1024.0f - 2.0f;
}

static void make_data(void) {
    for (size_t i = 0; i < N * IN; i++) x_data[i] = draw("x", i);
    for (size_t i = 0; i < N * OUT; i++) {
        numbers[i] = draw("t", i);
        bits[i] = draw("b", i) > 0 ? 1.0f : 0.0f;
    }
    for (size_t i = 0; i < N; i++) classes[i] = i == 4 ? -100 : (int64_t)(i * 5 % OUT);
}

static eki_value *value_of(eki_graph *graph, const char *name) {
    eki_value *value;
    assert_int_equal(eki_graph_value(graph, name, &value, NULL), EK_OK);
    return value;
}

static eki_value *node(eki_graph *graph, const char *op, const char *out, eki_value *a, eki_value *b, eki_value *c) {
    eki_value *in[3] = {a, b, c}, *to = value_of(graph, out);
    eki_node *made;
    int count = c != NULL ? 3 : b != NULL ? 2 : 1;
    assert_int_equal(eki_graph_add_node(graph, op, "", "", in, count, &to, 1, &made, NULL), EK_OK);
    return to;
}

static eki_value *input(eki_graph *graph, const char *name, ek_dtype dtype, int64_t columns) {
    eki_value *value = value_of(graph, name);
    value->dtype = dtype;
    value->shape = (eki_shape){.rank = columns > 0 ? 2 : 1, .dims = {0, columns}};
    assert_int_equal(eki_graph_symbol(graph, "N", &value->shape.dims[0], NULL), EK_OK);
    assert_int_equal(eki_graph_add_input(graph, value, NULL), EK_OK);
    return value;
}

static eki_value *weights(eki_graph *graph, const char *name, int64_t rows, int64_t columns) {
    eki_shape shape = {.rank = rows > 0 ? 2 : 1, .dims = {rows > 0 ? rows : columns, columns}};
    eki_value *value;
    assert_int_equal(eki_graph_add_tensor(graph, name, EK_F32, &shape, &value, NULL), EK_OK);
    float *to = value->init->data;
    for (size_t i = 0; i < value->init->bytes / sizeof *to; i++) to[i] = 0.5f * draw(name, i);
    return value;
}

/* x -> Gemm -> y; `behind` puts an operator that the engine lacks behind it. */
static ek_model *make_model(const char *behind) {
    eki_graph *graph;
    ek_model *model;
    assert_int_equal(eki_graph_create(17, &graph, NULL), EK_OK);
    eki_value *x = input(graph, "x", EK_F32, IN);
    eki_value *y = node(graph, "Gemm", "y", x, weights(graph, "w", IN, OUT), weights(graph, "b", 0, OUT));
    assert_int_equal(eki_graph_add_output(graph, y, NULL), EK_OK);
    if (behind != NULL)
        assert_int_equal(eki_graph_add_output(graph, node(graph, behind, "late", y, NULL, NULL), NULL), EK_OK);
    OK(eki_model_wrap(graph, &model, err));
    return model;
}

static void outputs(ek_model *model, float *y) {
    ek_session_options o = ek_session_options_default();
    ek_session *session;
    const char *name = "y";
    o.outputs = &name;
    o.output_count = 1;
    ek_array x = {.dtype = EK_F32, .rank = 2, .dims = {N, IN}, .data = x_data};
    OK(ek_session_create(model, &o, &session, err));
    OK(ek_session_run(session, &x, 1, err));
    memcpy(y, ek_session_output(session, 0).data, N * OUT * sizeof *y);
    ek_session_destroy(session);
}

static const ek_array_source sources[] = {
    {.name = "x", .dtype = EK_F32, .rank = 2, .dims = {N, IN}, .data = x_data},
    {.name = "t", .dtype = EK_F32, .rank = 2, .dims = {N, OUT}, .data = numbers},
    {.name = "t", .dtype = EK_F32, .rank = 2, .dims = {N, OUT}, .data = bits},
    {.name = "t", .dtype = EK_I64, .rank = 1, .dims = {N}, .data = classes},
};

/* x and one of the targets, or two. */
static ek_dataset *open_data(int target, int second) {
    ek_array_source given[3] = {sources[0], sources[target]};
    ek_dataset *data;
    if (second > 0) {
        given[2] = sources[second];
        given[2].name = "t2";
    }
    OK(ek_dataset_open_arrays(given, second > 0 ? 3 : 2, 0, &data, err));
    return data;
}

/* ---- the formulas ---- */

static double log_sum(const float *row) {
    double sum = 0;
    for (int c = 0; c < OUT; c++) sum += exp((double)row[c]);
    return log(sum);
}

static double expected_classes(const float *y, const ek_loss *loss) {
    double sum = 0, all = 0, e = loss->label_smoothing;
    for (size_t r = 0; r < N; r++) {
        if (classes[r] == -100) continue;
        const float *w = loss->class_weights, *row = y + r * OUT;
        double lse = log_sum(row), spread = 0;
        for (int c = 0; c < OUT; c++) spread += (w != NULL ? (double)w[c] : 1) * (lse - (double)row[c]) / OUT;
        double weight = w != NULL ? (double)w[classes[r]] : 1;
        sum += (1 - e) * weight * (lse - (double)row[classes[r]]) + e * spread;
        all += weight;
    }
    return sum / all;
}

static double element(double x, double t, int c, const ek_loss *loss) {
    double d = fabs(x - t), e = loss->label_smoothing, delta = loss->delta > 0 ? loss->delta : 1;
    double w = loss->class_weights != NULL ? (double)loss->class_weights[c] : 1;
    t = loss->kind == EK_LOSS_BCE ? t * (1 - e) + e / 2 : t;
    switch (loss->kind) {
    case EK_LOSS_BCE: return w * t * log1p(exp(-x)) + (1 - t) * log1p(exp(x));
    case EK_LOSS_MSE: return d * d;
    case EK_LOSS_MAE: return d;
    default: return d < delta ? d * d / 2 : delta * (d - delta / 2);
    }
}

static double expected(const float *y, const ek_loss *loss) {
    const float *t = loss->kind == EK_LOSS_BCE ? bits : numbers;
    double sum = 0, weight = loss->weight > 0 ? loss->weight : 1;
    if (loss->kind == EK_LOSS_CROSS_ENTROPY) return weight * expected_classes(y, loss);
    for (int i = 0; i < N * OUT; i++) sum += element((double)y[i], (double)t[i], i % OUT, loss);
    return weight * sum / (N * OUT);
}

static const ek_loss losses[] = {
    {.kind = EK_LOSS_CROSS_ENTROPY, .target = "t"},
    {.kind = EK_LOSS_CROSS_ENTROPY, .target = "t", .class_weights = class_weights, .class_count = OUT},
    {.kind = EK_LOSS_CROSS_ENTROPY, .target = "t", .label_smoothing = 0.1},
    {.kind = EK_LOSS_CROSS_ENTROPY,
     .target = "t",
     .label_smoothing = 0.2,
     .class_weights = class_weights,
     .class_count = OUT,
     .weight = 0.25},
    {.kind = EK_LOSS_BCE, .target = "t"},
    {.kind = EK_LOSS_BCE, .target = "t", .label_smoothing = 0.1, .class_weights = class_weights, .class_count = OUT},
    {.kind = EK_LOSS_MSE, .target = "t"},
    {.kind = EK_LOSS_MAE, .target = "t", .weight = 3},
    {.kind = EK_LOSS_HUBER, .target = "t"},
    {.kind = EK_LOSS_HUBER, .target = "t", .delta = 0.3},
};
enum { LOSSES = sizeof losses / sizeof *losses };

static int target_of(const ek_loss *loss) {
    return loss->kind == EK_LOSS_CROSS_ENTROPY ? 3 : loss->kind == EK_LOSS_BCE ? 2 : 1;
}

static double evaluate(ek_model *model, const ek_dataset *data, const ek_loss *terms, size_t count, int64_t batch) {
    ek_eval_options o = ek_eval_options_default();
    ek_eval_result result;
    o.terms = terms;
    o.term_count = count;
    o.batch = batch;
    OK(ek_evaluate(model, data, &o, &result, err));
    assert_int_equal(result.images, N);
    return result.loss;
}

/* One step of the whole set at a small rate. */
static ek_step_result step(ek_model *model, const ek_dataset *data, const ek_loss *terms, size_t count, double lr) {
    ek_train_options o = ek_train_options_default();
    ek_loader_options l = ek_loader_options_default();
    ek_trainer *trainer;
    ek_loader *loader;
    ek_step_result result;
    ek_batch batch;
    o.losses = terms;
    o.loss_count = count;
    o.lr = lr;
    o.momentum = 0;
    o.schedule = EK_SCHEDULE_CONSTANT;
    o.total_steps = 1;
    o.gradient_norm = 1;
    l.batch = N;
    OK(ek_trainer_create(model, &o, &trainer, err));
    OK(ek_loader_create(data, &l, &loader, err));
    OK(ek_loader_start_epoch(loader, 0, 0, err));
    OK(ek_loader_next(loader, &batch, err));
    OK(ek_trainer_step(trainer, &batch, &result, err));
    ek_loader_destroy(loader);
    ek_trainer_destroy(trainer);
    return result;
}

/* The loss falls by rate * |gradient|^2, as it does to first order only along the gradient itself. */
static void check_descent(const ek_loss *terms, size_t count, int target, int second, double value) {
    const double lr = 1e-3;
    ek_model *model = make_model(NULL);
    ek_dataset *data = open_data(target, second);
    double before = evaluate(model, data, terms, count, 5);
    assert_true(fabs(before - value) <= 1e-6 * value);
    ek_step_result result = step(model, data, terms, count, lr);
    assert_true(fabs(result.loss - value) <= 1e-6 * value);
    double fall = before - evaluate(model, data, terms, count, 7);
    double wanted = lr * result.gradient_norm * result.gradient_norm;
    if (!(fabs(fall - wanted) <= 0.02 * wanted)) fail_msg("fell by %g, expected %g", fall, wanted);
    ek_dataset_close(data);
    ek_model_destroy(model);
}

static void every_loss(void **state) {
    (void)state;
    float y[N * OUT];
    ek_model *model = make_model(NULL);
    outputs(model, y);
    ek_model_destroy(model);
    for (int i = 0; i < LOSSES; i++) check_descent(&losses[i], 1, target_of(&losses[i]), 0, expected(y, &losses[i]));
    ek_loss two[2] = {losses[3], losses[9]};
    two[1].target = "t2";
    check_descent(two, 2, 3, 1, expected(y, &two[0]) + expected(y, &two[1]));
}

/* A target may lack extents of 1 that its output has, as of [N,C,1,1], or have more of them. */
static void extents_of_one(void **state) {
    (void)state;
    static const int64_t shape[4] = {0, OUT, 1, 1};
    const ek_loss given[2] = {{.kind = EK_LOSS_CROSS_ENTROPY, .target = "t"}, {.kind = EK_LOSS_MSE, .target = "t"}};
    float y[N * OUT];
    ek_model *flat = make_model(NULL);
    outputs(flat, y);
    for (int i = 0; i < 4; i++) {
        ek_array_source arrays[2] = {sources[0], sources[i % 2 == 0 ? 3 : 1]};
        ek_model *tall = make_model(NULL);
        eki_value *to;
        if (i < 2) {
            OK(eki_graph_add_tensor(tall->graph, "shape", EK_I64, &(eki_shape){.rank = 1, .dims = {4}}, &to, err));
            memcpy(to->init->data, shape, sizeof shape);
            eki_value *y4 = node(tall->graph, "Reshape", "y4", value_of(tall->graph, "y"), to, NULL);
            OK(eki_graph_add_output(tall->graph, y4, err));
            OK(eki_graph_infer(tall->graph, NULL, err));
        } else { /* [N,1] and [N,1,OUT,1] */
            arrays[1].rank = i == 2 ? 2 : 4;
            arrays[1].dims[2] = i == 2 ? 0 : OUT;
            arrays[1].dims[1] = arrays[1].dims[3] = 1;
        }
        ek_loss loss = given[i % 2];
        loss.output = i < 2 ? "y4" : "y";
        ek_dataset *data;
        OK(ek_dataset_open_arrays(arrays, 2, 0, &data, err));
        ek_step_result result = step(tall, data, &loss, 1, 0.01);
        assert_true(fabs(result.loss - expected(y, &loss)) <= 1e-6 * result.loss);
        assert_true(loss.kind == EK_LOSS_MSE || result.correct > 0);
        ek_dataset_close(data);
        ek_model_destroy(tall);
    }
    ek_model_destroy(flat);
}

/* mean((y - t)^2), as a file; with `reduce` of another kind, or none. */
static const char *loss_file(const char *name, const char *reduce, const char *of, int64_t columns) {
    eki_graph *graph;
    ek_model *model;
    assert_int_equal(eki_graph_create(17, &graph, NULL), EK_OK);
    eki_value *t = input(graph, "t", EK_F32, columns), *y = input(graph, of, EK_F32, OUT);
    eki_value *d = node(graph, "Sub", "d", y, t, NULL);
    eki_value *square = node(graph, "Mul", "dd", d, d, NULL);
    eki_value *half;
    assert_int_equal(eki_graph_add_tensor(graph, "half", EK_F32, &(eki_shape){.rank = 0}, &half, NULL), EK_OK);
    *(float *)half->init->data = 0.5f;
    square = node(graph, "Mul", "hdd", square, half, NULL);
    eki_value *loss = reduce != NULL ? node(graph, reduce, "loss", square, NULL, NULL) : square;
    if (reduce != NULL) {
        assert_int_equal(eki_node_set_int(graph, loss->producer, "keepdims", 0, NULL), EK_OK);
    }
    assert_int_equal(eki_graph_add_output(graph, loss, NULL), EK_OK);
    if (strncmp(name, "bad", 3) != 0) OK(eki_graph_infer(graph, NULL, err));
    OK(eki_model_wrap(graph, &model, err));
    const char *path = fixture_path(name);
    OK(ek_model_save(model, path, NULL, err));
    ek_model_destroy(model);
    return path;
}

static ek_model *load(const char *path) {
    ek_model *model;
    OK(ek_model_load(path, &model, err));
    return model;
}

static void from_a_file(void **state) {
    (void)state;
    float y[N * OUT];
    ek_model *model = make_model(NULL), *graph = load(loss_file("half_mse.onnx", "ReduceMean", "y", OUT));
    outputs(model, y);
    ek_model_destroy(model);
    const ek_loss loss = {.kind = EK_LOSS_GRAPH, .graph = graph};
    const ek_loss mse = {.kind = EK_LOSS_MSE, .weight = 0.5};
    check_descent(&loss, 1, 1, 0, expected(y, &mse));
    ek_model_destroy(graph);
}

/* What lies behind the scores is not run; the program has no kernel for it. The file keeps it. */
static void what_lies_behind(void **state) {
    (void)state;
    ek_model *model = make_model("Sin");
    ek_dataset *data = open_data(1, 0);
    const ek_loss loss = {.kind = EK_LOSS_MSE, .target = "t", .output = "y"};
    (void)step(model, data, &loss, 1, 0.01);
    assert_int_equal(ek_model_output_count(model), 2);
    assert_int_equal(ek_model_input_count(model), 1);
    assert_int_equal(model->document->n_nodes, 2);
    assert_int_equal(model->graph->n_nodes, 2);
    ek_dataset_close(data);
    ek_model_destroy(model);
}

/* The classifier's own loss and the same as a graph: values to f32, and the same path. */
static void as_the_classifiers(void **state) {
    (void)state;
    fixture_batch batch = fixture_make_batch(8, 3 * 8 * 8, 4, 3);
    const ek_loss loss = {.kind = EK_LOSS_CROSS_ENTROPY};
    double found[2][4];
    for (int way = 0; way < 2; way++) {
        ek_model *model = fixture_model("cnn6", EK_NORM_BATCH, 8, 0);
        ek_train_options o = ek_train_options_default();
        ek_trainer *trainer;
        ek_step_result result;
        o.total_steps = 4;
        o.losses = way == 1 ? &loss : NULL;
        o.loss_count = (size_t)way;
        OK(ek_trainer_create(model, &o, &trainer, err));
        for (int i = 0; i < 4; i++) {
            OK(ek_trainer_step(trainer, &batch.batch, &result, err));
            found[way][i] = result.loss + (double)result.correct;
        }
        ek_trainer_destroy(trainer);
        ek_model_destroy(model);
    }
    for (int i = 0; i < 4; i++) {
        if (!(fabs(found[0][i] - found[1][i]) <= 1e-5)) fail_msg("step %d: %g, %g", i, found[0][i], found[1][i]);
    }
    fixture_free_batch(&batch);
}

typedef struct wrong {
    const char *part;
    ek_status status;
    ek_loss loss;
    ek_dtype dtype;
    int rank;
    int64_t dims[3];
    const char *name;
} wrong;

/* A trainer is refused, or its first step is, and the model stays as it was. */
static void check_wrong(const wrong *row) {
    static int64_t room[N * OUT * 2];
    ek_array_source given[2] = {sources[0], {.name = row->name, .dtype = row->dtype, .rank = row->rank, .data = room}};
    ek_model *model = make_model(NULL);
    ek_dataset *data;
    ek_loader *loader;
    ek_batch batch;
    ek_trainer *trainer;
    ek_error error = {.text = ""};
    ek_train_options o = ek_train_options_default();
    ek_loader_options l = ek_loader_options_default();
    uint64_t before = fixture_hash(model);
    memcpy(given[1].dims, row->dims, sizeof row->dims);
    OK(ek_dataset_open_arrays(given, 2, 0, &data, err));
    OK(ek_loader_create(data, &l, &loader, err));
    OK(ek_loader_start_epoch(loader, 0, 0, err));
    OK(ek_loader_next(loader, &batch, err));
    o.losses = &row->loss;
    o.loss_count = 1;
    o.total_steps = 1;
    ek_status status = ek_trainer_create(model, &o, &trainer, &error);
    if (status == EK_OK) status = ek_trainer_step(trainer, &batch, NULL, &error);
    fixture_expect(status, row->status, error.text, row->part, row->part);
    assert_int_equal(fixture_hash(model), before);
    ek_trainer_destroy(trainer);
    ek_loader_destroy(loader);
    ek_dataset_close(data);
    ek_model_destroy(model);
}

static void refused(void **state) {
    (void)state;
    ek_model *whole = load(loss_file("whole.onnx", NULL, "y", OUT));
    ek_model *apart = load(loss_file("apart.onnx", "ReduceMean", "z", OUT));
    ek_model *flat = load(loss_file("bad_flat.onnx", "ArgMax", "y", OUT));
    ek_model *narrow = load(loss_file("bad_narrow.onnx", "ReduceMean", "y", 2));
    const ek_loss mse = {.kind = EK_LOSS_MSE, .target = "t"}, ce = {.kind = EK_LOSS_CROSS_ENTROPY, .target = "t"};
    ek_loss head = mse, smooth = mse, minus = ce, many = ce, bare = mse, kind = mse, none = ce;
    head.output = "z";
    smooth.label_smoothing = 0.1;
    minus.label_smoothing = -0.5;
    many.class_weights = class_weights;
    many.class_count = 2;
    bare.target = NULL;
    kind.kind = (ek_loss_kind)9;
    none.target = NULL;
#define TARGET EK_F32, 2, {N, OUT}, "t"
#define LABELS EK_I64, 1, {N}, "t"
    const wrong rows[] = {
        {"head 'z' is no output", EK_ERR_ARG, head, TARGET},
        {"label smoothing and class weights", EK_ERR_ARG, smooth, TARGET},
        {"label_smoothing is -0.5", EK_ERR_ARG, minus, LABELS},
        {"3 classes, but there are 2 class weights", EK_ERR_SHAPE, many, LABELS},
        {"needs a target", EK_ERR_ARG, bare, TARGET},
        {"kind 9", EK_ERR_ARG, kind, TARGET},
        {"array 't' is used by nothing", EK_ERR_ARG, none, LABELS},
        {"'t' has shape [12,1]", EK_ERR_SHAPE, mse, EK_F32, 2, {N, 1}, "t"},
        {"'t' has shape [12]", EK_ERR_SHAPE, mse, EK_F32, 1, {N}, "t"},
        {"array 'u' is used by nothing", EK_ERR_ARG, mse, EK_F32, 2, {N, OUT}, "u"},
        {"the loss takes int64", EK_ERR_DTYPE, ce, TARGET},
        {"a class for each place", EK_ERR_SHAPE, ce, EK_I64, 2, {N, OUT}, "t"},
        {"expected one float32 number", EK_ERR_SHAPE, {.kind = EK_LOSS_GRAPH, .graph = whole}, TARGET},
        {"none of its inputs is a value of the model", EK_ERR_ARG, {.kind = EK_LOSS_GRAPH, .graph = apart}, TARGET},
        {"ArgMax", EK_ERR_UNSUPPORTED, {.kind = EK_LOSS_GRAPH, .graph = flat}, TARGET},
        {"a graph is given", EK_ERR_ARG, {.kind = EK_LOSS_GRAPH}, TARGET},
        {"array 'v' is used by nothing", EK_ERR_ARG, {.kind = EK_LOSS_GRAPH, .graph = narrow}, EK_F32, 2, {N, 2}, "v"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check_wrong(&rows[i]);
    ek_model_destroy(whole);
    ek_model_destroy(apart);
    ek_model_destroy(flat);
    ek_model_destroy(narrow);
}

/* Mixed labels: the loss is both by their shares, with weights and smoothing, and the gradient is its own. */
static void mixed_labels(void **state) {
    (void)state;
    int32_t labels[N], others[N];
    float shares[N], y[N * OUT];
    ek_batch_array x = {.name = "x", .dtype = EK_F32, .rank = 2, .dims = {N, IN}, .data = x_data};
    ek_batch batch = {.count = N, .total = N, .arrays = &x, .array_count = 1, .labels = labels};
    const ek_loss loss = {
        .kind = EK_LOSS_CROSS_ENTROPY, .label_smoothing = 0.2, .class_weights = class_weights, .class_count = OUT};
    double sum = 0, all = 0, e = loss.label_smoothing;
    ek_model *model = make_model(NULL);
    outputs(model, y);
    for (int r = 0; r < N; r++) {
        labels[r] = r % OUT;
        others[r] = (r * r + 1) % OUT;
        shares[r] = 0.5f + (float)r / (2 * N);
        const float *row = y + (size_t)r * OUT;
        double lse = log_sum(row), spread = 0;
        for (int c = 0; c < OUT; c++) spread += (double)class_weights[c] * (lse - (double)row[c]) / OUT;
        for (int k = 0; k < 2; k++) {
            int32_t label = k ? others[r] : labels[r];
            double share = k ? 1 - (double)shares[r] : (double)shares[r], weight = (double)class_weights[label];
            sum += share * ((1 - e) * weight * (lse - (double)row[label]) + e * spread);
            all += share * weight;
        }
    }
    ek_train_options o = ek_train_options_default();
    ek_step_result first, second;
    ek_trainer *trainer;
    o.losses = &loss;
    o.loss_count = 1;
    o.lr = 1e-3;
    o.momentum = 0;
    o.schedule = EK_SCHEDULE_CONSTANT;
    o.total_steps = 3;
    o.gradient_norm = 1;
    OK(ek_trainer_create(model, &o, &trainer, err));
    batch.others = others;
    batch.shares = shares;
    FAILS(EK_ERR_ARG, "ek_train_options.mixed", ek_trainer_step(trainer, &batch, NULL, err));
    ek_trainer_destroy(trainer);
    o.mixed = 1;
    OK(ek_trainer_create(model, &o, &trainer, err));
    OK(ek_trainer_step(trainer, &batch, &first, err));
    assert_true(fabs(first.loss - sum / all) <= 1e-6 * first.loss);
    OK(ek_trainer_step(trainer, &batch, &second, err));
    double wanted = o.lr * first.gradient_norm * first.gradient_norm;
    assert_true(fabs(first.loss - second.loss - wanted) <= 0.02 * wanted);
    batch.shares = NULL; /* a batch that is not mixed is one with shares of 1 */
    OK(ek_trainer_step(trainer, &batch, &first, err));
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
}

static int clean(void **state) {
    (void)state;
    fixture_clean();
    return 0;
}

int main(void) {
    make_data();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_loss),         cmocka_unit_test(from_a_file), cmocka_unit_test(what_lies_behind),
        cmocka_unit_test(as_the_classifiers), cmocka_unit_test(refused),     cmocka_unit_test(mixed_labels),
        cmocka_unit_test(extents_of_one),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
