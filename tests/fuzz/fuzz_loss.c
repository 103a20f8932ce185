/* fuzz_loss.c: whatever a loss file says, training and evaluation by it give numbers or an error, before which the
 * model is as it was. */
#include "driver.h"
#include "model/model.h"
#include "mutate.h"
#include "net_seeds.h"

#include <evenkeel/train.h>
#include <stdio.h>
#include <string.h>

enum { N = 4, IN = 5, OUT = 3 };

static ek_error err;
static unsigned long loaded, taken, stepped; /* how far the inputs came */

static bool failed(ek_status status, const char *what) { return fuzz_failed(status, what, &err); }

static void must(ek_status status, const char *what) {
    if (status != EK_OK) fuzz_stop(what, &err);
}

/* ---- graphs ---- */

static eki_value *named(eki_graph *graph, const char *name) {
    eki_value *value;
    must(eki_graph_value(graph, name, &value, &err), name);
    return value;
}

static eki_value *input(eki_graph *graph, const char *name, ek_dtype dtype, int64_t columns) {
    eki_value *value = named(graph, name);
    value->dtype = dtype;
    value->shape = (eki_shape){.rank = columns > 0 ? 2 : 1, .dims = {0, columns}};
    must(eki_graph_symbol(graph, "N", &value->shape.dims[0], &err), "symbol");
    must(eki_graph_add_input(graph, value, &err), name);
    return value;
}

static eki_value *node(eki_graph *graph, const char *op, const char *out, eki_value *a, eki_value *b) {
    eki_value *in[2] = {a, b}, *to = named(graph, out);
    eki_node *made;
    must(eki_graph_add_node(graph, op, "", "", in, b != NULL ? 2 : 1, &to, 1, &made, &err), op);
    return to;
}

static ek_model *finish(eki_graph *graph, eki_value *output) {
    ek_model *model;
    must(eki_graph_add_output(graph, output, &err), "output");
    must(eki_graph_infer(graph, NULL, &err), "infer");
    must(eki_model_wrap(graph, &model, &err), "wrap");
    return model;
}

static ek_model *make_model(void) {
    eki_graph *graph;
    eki_value *w;
    must(eki_graph_create(17, &graph, &err), "graph");
    eki_value *x = input(graph, "x", EK_F32, IN);
    must(eki_graph_add_tensor(graph, "w", EK_F32, &(eki_shape){.rank = 2, .dims = {IN, OUT}}, &w, &err), "w");
    for (int i = 0; i < IN * OUT; i++) ((float *)w->init->data)[i] = 0.1f * (float)(i % 7) - 0.3f;
    return finish(graph, node(graph, "MatMul", "y", x, w));
}

/* The mean of a function of y - t, or of y by classes t. */
static ek_model *make_loss(const char *op, bool classes) {
    eki_graph *graph;
    must(eki_graph_create(17, &graph, &err), "graph");
    eki_value *y = input(graph, "y", EK_F32, OUT);
    eki_value *t = classes ? input(graph, "c", EK_I64, 0) : input(graph, "t", EK_F32, OUT);
    if (classes) return finish(graph, node(graph, op, "loss", y, t));
    eki_value *d = node(graph, op, "f", node(graph, "Sub", "d", y, t), NULL);
    eki_value *loss = node(graph, "ReduceMean", "loss", d, NULL);
    must(eki_node_set_int(graph, loss->producer, "keepdims", 0, &err), "keepdims");
    return finish(graph, loss);
}

/* ---- what is done with them ---- */

static ek_dataset *make_data(bool classes) {
    static const float x[N * IN] = {1, 2, 3, -1, 0.5f, 0, 1}, t[N * OUT] = {1, 0, -2};
    static const int64_t c[N] = {0, 2, 1, 1};
    const ek_array_source sources[2] = {
        {.name = "x", .dtype = EK_F32, .rank = 2, .dims = {N, IN}, .data = x},
        classes ? (ek_array_source){.name = "c", .dtype = EK_I64, .rank = 1, .dims = {N}, .data = c}
                : (ek_array_source){.name = "t", .dtype = EK_F32, .rank = 2, .dims = {N, OUT}, .data = t}};
    ek_dataset *data;
    must(ek_dataset_open_arrays(sources, 2, 0, &data, &err), "arrays");
    return data;
}

static void train(ek_model *model, const ek_dataset *data, const ek_loss *loss) {
    ek_train_options options = ek_train_options_default();
    ek_loader_options loading = ek_loader_options_default();
    ek_trainer *trainer;
    ek_loader *loader;
    ek_batch batch;
    options.losses = loss;
    options.loss_count = 1;
    options.total_steps = 1;
    loading.prefetch = 0;
    if (failed(ek_trainer_create(model, &options, &trainer, &err), "trainer")) return;
    taken++;
    must(ek_loader_create(data, &loading, &loader, &err), "loader");
    must(ek_loader_start_epoch(loader, 0, 0, &err), "epoch");
    must(ek_loader_next(loader, &batch, &err), "batch");
    stepped += !failed(ek_trainer_step(trainer, &batch, NULL, &err), "step");
    ek_loader_destroy(loader);
    ek_trainer_destroy(trainer);
}

static void run(const uint8_t *bytes, size_t size) {
    ek_model *graph;
    memset(&err, 0, sizeof err);
    if (failed(eki_model_load_bytes(bytes, size, "fuzz", &graph, &err), "load")) return;
    loaded++;
    const ek_loss loss = {.kind = EK_LOSS_GRAPH, .graph = graph};
    for (int classes = 0; classes < 2; classes++) {
        ek_model *model = make_model();
        ek_dataset *data = make_data(classes != 0);
        ek_eval_options options = ek_eval_options_default();
        ek_eval_result result;
        options.terms = &loss;
        options.term_count = 1;
        (void)failed(ek_evaluate(model, data, &options, &result, &err), "eval");
        train(model, data, &loss);
        ek_dataset_close(data);
        ek_model_destroy(model);
    }
    ek_model_destroy(graph);
}

static void seeds(fuzz_each *each, void *context) {
    static const char *const ops[] = {"Abs", "Softplus", "Exp", "Tanh", "Neg"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) net_seed(make_loss(ops[i], false), each, context);
    net_seed(make_loss("SoftmaxCrossEntropyLoss", true), each, context);
}

static bool came_far(void) {
    printf("%lu losses loaded, %lu taken, %lu steps made\n", loaded, taken, stepped);
    return taken > 10 && stepped > 10;
}

const fuzz_target fuzz_here = {.name = "fuzz_loss",
                               .corpus = "corpus-loss",
                               .changes = 100,
                               .run = run,
                               .seeds = seeds,
                               .mutate = fuzz_change,
                               .came_far = came_far};
