/* test_head.c: a new classifier has the classes asked for, weights of the seed, and leaves everything else as it was;
 * where none can be found that is said, and nothing changes. */
#include "net.h"

#include <stdio.h>
#include <string.h>

enum { OLD = 7, NEW = 3 };

static void classify(net *n, bool transposed) {
    (void)net_one(n, "GlobalAveragePool", "gap");
    (void)net_one(n, "Flatten", "flat");
    (void)net_gemm(n, "fc", 6, OLD, transposed, true);
}

static net backbone(void) {
    net n = net_image(17, 2, 8);
    (void)net_conv(&n, "conv", (conv_shape){2, 6, 3, 1, 1}, false);
    (void)net_bn(&n, "bn", 6);
    (void)net_one(&n, "Relu", "relu");
    return n;
}

static ek_model *gemm(void) {
    net n = backbone();
    classify(&n, false);
    return net_finish(&n);
}

static ek_model *gemm_transposed_softmax(void) {
    net n = backbone();
    classify(&n, true);
    (void)net_one(&n, "Softmax", "softmax");
    return net_finish(&n);
}

static ek_model *matmul_add_dropout(void) {
    net n = backbone();
    (void)net_one(&n, "GlobalAveragePool", "gap");
    (void)net_one(&n, "Flatten", "flat");
    (void)net_matmul(&n, "fc", 6, OLD);
    eki_value *bias = net_vector(&n, "fc.bias", OLD, -1, 1);
    (void)net_two(&n, "Add", "add", bias);
    (void)net_one(&n, "Identity", "same");
    return net_finish(&n);
}

/* As SqueezeNet ends. */
static ek_model *conv_head(void) {
    net n = backbone();
    (void)net_conv(&n, "fc", (conv_shape){6, OLD, 1, 0, 1}, true);
    (void)net_one(&n, "Relu", "relu2");
    (void)net_one(&n, "GlobalAveragePool", "gap");
    (void)net_one(&n, "Flatten", "flat");
    (void)net_one(&n, "Softmax", "softmax");
    return net_finish(&n);
}

/* A Reshape that spells out the classes. */
static ek_model *reshaped(void) {
    net n = backbone();
    (void)net_one(&n, "GlobalAveragePool", "gap");
    (void)net_conv(&n, "fc", (conv_shape){6, OLD, 1, 0, 1}, true);
    eki_value *shape;
    eki_shape two = eki_shape_of(1, (const int64_t[]){2});
    OK(eki_graph_add_tensor(n.graph, "shape", EK_I64, &two, &shape, err));
    ((int64_t *)shape->init->data)[0] = -1;
    ((int64_t *)shape->init->data)[1] = OLD;
    (void)net_two(&n, "Reshape", "reshape", shape);
    return net_finish(&n);
}

static const struct {
    const char *name;
    ek_model *(*make)(void);
} heads[] = {{"Gemm", gemm},
             {"Gemm transB, Softmax", gemm_transposed_softmax},
             {"MatMul, Add, Identity", matmul_add_dropout},
             {"Conv, pooling", conv_head},
             {"Conv, Reshape", reshaped}};

static void run(ek_model *model, int64_t images, int64_t classes) {
    static float data[5 * 2 * 8 * 8];
    ek_session *session;
    ek_array in = {EK_F32, 4, {images, 2, 8, 8}, data};
    OK(ek_session_create(model, NULL, &session, err));
    OK(ek_session_run(session, &in, 1, err));
    ek_array out = ek_session_output(session, 0);
    assert_int_equal(out.rank, 2);
    assert_int_equal(out.dims[0], images);
    assert_int_equal(out.dims[1], classes);
    ek_session_destroy(session);
}

static ek_tensor_info tensor(ek_model *model, const char *name) {
    ek_tensor_info info;
    void *data;
    OK(ek_model_tensor_data(model, name, &info, &data, err));
    info.data = data;
    return info;
}

/* Whether every tensor but those of the head has the bytes it had. */
static void check_rest(const ek_model *before, ek_model *after) {
    size_t compared = 0;
    for (size_t i = 0; i < ek_model_tensor_count(before); i++) {
        ek_tensor_info old = ek_model_tensor(before, i);
        if (strncmp(old.name, "fc.", 3) == 0 || strcmp(old.name, "shape") == 0) continue;
        ek_tensor_info now = tensor(after, old.name);
        assert_int_equal(now.bytes, old.bytes);
        assert_memory_equal(now.data, old.data, old.bytes);
        compared++;
    }
    assert_true(compared >= 5); /* the convolution and the norm */
}

static void test_replace(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        print_message("%s\n", heads[i].name);
        ek_model *model = heads[i].make(), *before = heads[i].make(), *again, *other = heads[i].make();
        ek_head_options o = ek_head_options_default(NEW);
        ek_head_result result;
        OK(ek_replace_head(model, &o, &result, err));
        assert_int_equal(result.features, 6);
        assert_int_equal(result.classes_before, OLD);
        check_rest(before, model);
        assert_int_equal(tensor(model, "fc.weight").bytes, 6 * NEW * sizeof(float));
        OK(ek_model_save(model, fixture_path("head.onnx"), NULL, err));
        OK(ek_model_load(fixture_path("head.onnx"), &again, err));
        run(again, 1, NEW);
        run(again, 5, NEW);
        fixture_same_tensors(model, again);
        o.seed = 2; /* other weights, the same bias of zero */
        OK(ek_replace_head(other, &o, &result, err));
        assert_memory_not_equal(tensor(other, "fc.weight").data, tensor(model, "fc.weight").data, 6 * NEW * 4);
        const float *bias = tensor(model, "fc.bias").data;
        for (int c = 0; c < NEW; c++) assert_true(bias[c] == 0);
        ek_model_destroy(again);
        ek_model_destroy(other);
        ek_model_destroy(before);
        ek_model_destroy(model);
    }
}

/* A weight that somebody else reads, too, stays for him. */
static void test_shared_weight(void **state) {
    (void)state;
    net n = backbone();
    eki_value *x = n.x;
    classify(&n, true);
    eki_value *logits = n.x, *weight = eki_graph_find(n.graph, "fc.weight");
    n.x = weight;
    (void)net_one(&n, "Abs", "abs");
    eki_value *side = n.x;
    n.x = logits;
    net_output(&n, logits);
    net_output(&n, side);
    ek_model *model;
    OK(eki_model_wrap(n.graph, &model, err));
    ek_head_options o = ek_head_options_default(NEW);
    ek_head_result result;
    OK(ek_replace_head(model, &o, &result, err));
    assert_int_equal(tensor(model, "fc.weight").bytes, 6 * OLD * sizeof(float));
    assert_true(logits->producer->in[1] != weight && x != NULL);
    run(model, 2, NEW);
    ek_model_destroy(model);
}

/* A graph that ends in a Concat, as detectors do, is cut. */
static ek_model *detector(void) {
    net n = backbone();
    eki_value *features = n.x;
    (void)net_conv(&n, "box", (conv_shape){6, 4, 3, 1, 1}, true);
    eki_value *boxes = n.x;
    n.x = features;
    (void)net_conv(&n, "score", (conv_shape){6, 2, 3, 1, 1}, true);
    eki_value *in[2] = {boxes, n.x};
    eki_node *node = net_node(&n, "Concat", "all", in, 2);
    OK(eki_node_set_int(n.graph, node, "axis", 1, err));
    return net_finish(&n);
}

static void test_cut(void **state) {
    (void)state;
    ek_model *model = detector(), *before = detector();
    ek_head_options o = ek_head_options_default(NEW);
    ek_head_result result;
    FAILS(EK_ERR_UNSUPPORTED, "--cut", ek_replace_head(model, &o, &result, err));
    o.cut = "nothing";
    FAILS(EK_ERR_ARG, "nothing", ek_replace_head(model, &o, &result, err));
    fixture_same_tensors(before, model);
    o.cut = "relu"; /* by node; its output is relu.out */
    OK(ek_replace_head(model, &o, &result, err));
    assert_int_equal(result.features, 6);
    assert_int_equal(ek_model_output_count(model), 1);
    for (size_t i = 0; i < ek_model_tensor_count(model); i++) {
        const char *name = ek_model_tensor(model, i).name;
        assert_true(strncmp(name, "box", 3) != 0 && strncmp(name, "score", 5) != 0);
    }
    run(model, 4, NEW);
    ek_model_destroy(before);
    ek_model_destroy(model);
}

/* A fixed batch becomes any; a graph that fixes it inside is left as it is. */
static ek_model *fixed_batch(bool inside) {
    const int64_t dims[4] = {1, 2, 8, 8};
    net n = net_start(17, 4, dims);
    eki_value *shape;
    eki_shape two = eki_shape_of(1, (const int64_t[]){2});
    OK(eki_graph_add_tensor(n.graph, "shape", EK_I64, &two, &shape, err));
    ((int64_t *)shape->init->data)[0] = inside ? 1 : 0;
    ((int64_t *)shape->init->data)[1] = -1;
    (void)net_one(&n, "GlobalAveragePool", "gap");
    (void)net_two(&n, "Reshape", "reshape", shape);
    if (!inside) (void)net_gemm(&n, "fc", 2, OLD, false, true);
    return net_finish(&n);
}

static void test_input(void **state) {
    (void)state;
    const int64_t any[4] = {-1, 0, 0, 0}, larger[4] = {-1, 0, 9, 7}, wrong[4] = {0, 3, 0, 0};
    ek_model *model = fixed_batch(false), *stubborn = fixed_batch(true), *conv = gemm();
    OK(ek_set_input(model, any, err));
    run(model, 5, OLD);
    FAILS(EK_ERR_SHAPE, "fixes the batch", ek_set_input(stubborn, any, err));
    assert_int_equal(ek_model_input(stubborn, 0).dims[0], 1);
    OK(ek_set_input(conv, larger, err));
    assert_int_equal(ek_model_input(conv, 0).dims[2], 9);
    FAILS(EK_ERR_SHAPE, "", ek_set_input(conv, wrong, err));
    assert_int_equal(ek_model_input(conv, 0).dims[1], 2);
    ek_model_destroy(conv);
    ek_model_destroy(stubborn);
    ek_model_destroy(model);
}

static int clean(void **state) {
    (void)state;
    fixture_clean();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_replace), cmocka_unit_test(test_shared_weight),
                                       cmocka_unit_test(test_cut), cmocka_unit_test(test_input)};
    return cmocka_run_group_tests(tests, NULL, clean);
}
