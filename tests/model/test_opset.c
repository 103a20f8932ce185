/* test_opset.c: models written at opset 17 compute the same, and load back as the norms they were, bit for bit. */
#include "train/train_fixture.h"

#include "base/random.h"
#include "model/model.h"
#include "onnx/onnx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EXTENT = 8, EXAMPLES = 3, CLASSES = 4 };

static void run(ek_model *model, float logits[EXAMPLES * CLASSES]) {
    fixture_batch b = fixture_make_batch(EXAMPLES, EXTENT * EXTENT, CLASSES, 5);
    ek_array input = {.dtype = EK_F32, .rank = 4, .dims = {EXAMPLES, 1, EXTENT, EXTENT}, .data = b.images};
    ek_session *session;
    OK(ek_session_create(model, NULL, &session, err));
    OK(ek_session_run(session, &input, 1, err));
    memcpy(logits, ek_session_output(session, 0).data, EXAMPLES * CLASSES * sizeof *logits);
    ek_session_destroy(session);
    fixture_free_batch(&b);
}

/* Scales and biases that are not 1 and 0. */
static ek_model *model_with(const char *architecture, ek_norm_kind norm) {
    ek_model *model = fixture_model(architecture, norm, EXTENT, 0.0);
    for (size_t i = 0; i < ek_model_norm_count(model); i++) {
        ek_model_norm info = ek_model_norm_get(model, i);
        const char *names[2] = {info.scale, info.bias};
        for (int k = 0; k < 2 && names[k][0] != '\0'; k++) {
            ek_tensor_info tensor;
            void *data;
            OK(ek_model_tensor_data(model, names[k], &tensor, &data, err));
            for (size_t c = 0; c < tensor.bytes / 4; c++) ((float *)data)[c] += 0.3F * (float)sin((double)(c + i));
        }
    }
    return model;
}

static bool has_op(const eki_graph *graph, const char *op_type) {
    for (size_t i = 0; i < graph->n_nodes; i++) {
        if (strcmp(graph->nodes[i]->op_type, op_type) == 0) return true;
    }
    return false;
}

/* The subgraphs themselves, not fused, compute the norm. */
static void check_lowered(const char *path, const float *logits) {
    eki_graph *graph;
    ek_model *model;
    float found[EXAMPLES * CLASSES];
    OK(eki_onnx_load(path, NULL, &graph, err));
    assert_int_equal(eki_graph_opset(graph, ""), 17);
    assert_int_equal(graph->ir_version, 8);
    assert_false(has_op(graph, "GroupNormalization") || has_op(graph, "RMSNormalization"));
    OK(eki_model_wrap(graph, &model, err));
    run(model, found);
    for (int i = 0; i < EXAMPLES * CLASSES; i++) {
        assert_true(fabs((double)(found[i] - logits[i])) < 2e-5 * (1 + fabs((double)logits[i])));
    }
    ek_model_destroy(model);
}

static void same_norms(const ek_model *a, const ek_model *b) {
    assert_int_equal(ek_model_norm_count(a), ek_model_norm_count(b));
    for (size_t i = 0; i < ek_model_norm_count(a); i++) {
        ek_model_norm x = ek_model_norm_get(a, i), y = ek_model_norm_get(b, i);
        assert_int_equal(x.kind, y.kind);
        assert_int_equal(x.groups, y.groups);
        assert_int_equal(x.channels, y.channels);
        assert_true(x.epsilon == y.epsilon);
        assert_string_equal(x.node, y.node);
        assert_string_equal(x.output, y.output);
        assert_string_equal(x.scale, y.scale);
        assert_string_equal(x.bias, y.bias);
        assert_int_equal(x.affine_frozen, y.affine_frozen);
    }
}

static void check_round_trip(ek_model *model, const char *path, const ek_save_options *options, const float *logits) {
    float found[EXAMPLES * CLASSES];
    ek_model *loaded;
    OK(ek_model_save(model, path, options, err));
    OK(ek_model_load(path, &loaded, err));
    assert_int_equal(ek_model_opset(loaded), options != NULL ? options->opset : ek_model_opset(model));
    same_norms(model, loaded);
    run(loaded, found);
    assert_memory_equal(found, logits, sizeof found);
    OK(ek_model_save(loaded, fixture_path("again.onnx"), NULL, err));
    size_t first, second;
    unsigned char *x = fixture_read(path, &first), *y = fixture_read(fixture_path("again.onnx"), &second);
    assert_int_equal(first, second);
    assert_memory_equal(x, y, first);
    free(x);
    free(y);
    ek_model_destroy(loaded);
}

static void check_model(const char *architecture, ek_norm_kind norm) {
    ek_model *model = model_with(architecture, norm);
    ek_save_options seventeen = {.struct_size = sizeof seventeen, .opset = 17};
    float logits[EXAMPLES * CLASSES], after[EXAMPLES * CLASSES];
    if (norm != 0) OK(ek_model_freeze(model, "*1", -1, 1, NULL, err));
    run(model, logits);
    check_round_trip(model, fixture_path("own.onnx"), NULL, logits);
    check_round_trip(model, fixture_path("low.onnx"), &seventeen, logits);
    check_lowered(fixture_path("low.onnx"), logits);
    run(model, after); /* saving changed nothing */
    assert_memory_equal(after, logits, sizeof logits);
    ek_model_destroy(model);
}

static void test_round_trips(void **state) {
    (void)state;
    for (int norm = 0; norm <= EK_NORM_RMS; norm++) {
        check_model("cnn6", (ek_norm_kind)norm);
        if (norm != EK_NORM_INSTANCE) check_model("mlp", (ek_norm_kind)norm);
    }
    fixture_clean();
}

static eki_graph *lowered_graph(ek_norm_kind norm) {
    ek_model *model = model_with("cnn6", norm);
    eki_graph *graph;
    OK(ek_model_save(model, fixture_path("n.onnx"), &(ek_save_options){sizeof(ek_save_options), .opset = 17}, err));
    ek_model_destroy(model);
    OK(eki_onnx_load(fixture_path("n.onnx"), NULL, &graph, err));
    return graph;
}

static size_t count_op(const eki_graph *graph, const char *op_type) {
    size_t count = 0;
    for (size_t i = 0; i < graph->n_nodes; i++) count += strcmp(graph->nodes[i]->op_type, op_type) == 0;
    return count;
}

static float *constant_of(eki_graph *graph, const char *name) {
    eki_value *value = eki_graph_find(graph, name);
    assert_non_null(value);
    OK(eki_tensor_own(value->init, err));
    return value->init->data;
}

/* What differs from a norm in one place stays what it is. */
static void test_near_misses(void **state) {
    (void)state;
    eki_graph *graph = lowered_graph(EK_NORM_GROUP);
    constant_of(graph, "gn1.out/ones")[1] = 1.5F;
    constant_of(graph, "gn2.out/zeros")[0] = 0.5F;
    OK(eki_graph_add_output(graph, eki_graph_find(graph, "gn3.out/normalized"), err));
    eki_graph_find(graph, "gn4.scale")->init->shape.dims[0] = 1; /* broadcasts, but is not per channel */
    OK(eki_fuse_norms(graph, err));
    assert_int_equal(count_op(graph, "GroupNormalization"), 2);
    assert_int_equal(count_op(graph, "InstanceNormalization"), 4);
    eki_graph_destroy(graph);

    graph = lowered_graph(EK_NORM_RMS);
    OK(eki_graph_add_output(graph, eki_graph_find(graph, "rms2.out/variance"), err));
    OK(eki_fuse_norms(graph, err)); /* one stays; the others are of their own opset */
    assert_int_equal(count_op(graph, "RMSNormalization"), 5);
    assert_int_equal(eki_graph_opset(graph, ""), 17);
    eki_graph_destroy(graph);
    fixture_clean();
}

/* Two norms with one scale: it stays one tensor, which both read in another shape, and both are one node again. */
static void test_shared_scale(void **state) {
    (void)state;
    ek_model *model = model_with("cnn6", EK_NORM_GROUP), *loaded;
    ek_save_options seventeen = {.struct_size = sizeof seventeen, .opset = 17};
    eki_node *first = NULL;
    int shared = 0;
    float before[EXAMPLES * CLASSES], after[EXAMPLES * CLASSES];
    for (size_t i = 0; i < model->n_norms; i++) {
        eki_node *node = eki_model_norm_node(model, i);
        if (first != NULL && eki_shape_equal(&node->in[1]->shape, &first->in[1]->shape)) {
            node->in[1] = first->in[1];
            shared++;
        } else {
            first = node;
        }
    }
    assert_true(shared > 0);
    OK(eki_model_rebuild(model, err));
    run(model, before);
    OK(ek_model_save(model, fixture_path("s.onnx"), &seventeen, err));
    OK(ek_model_load(fixture_path("s.onnx"), &loaded, err));
    same_norms(model, loaded);
    run(loaded, after);
    assert_memory_equal(before, after, sizeof before);
    ek_model_destroy(model);
    ek_model_destroy(loaded);
    fixture_clean();
}

static void test_saving(void **state) {
    (void)state;
    ek_model *model = model_with("cnn6", EK_NORM_GROUP), *batch = model_with("cnn6", EK_NORM_BATCH), *loaded;
    ek_save_options o = {.struct_size = sizeof o, .opset = 16};
    const char *path = fixture_path("s.onnx");
    FAILS(EK_ERR_ARG, "opset 16 cannot be written", ek_model_check_save(model, &o, err));
    FAILS(EK_ERR_ARG, "opset 16 cannot be written", ek_model_save(model, path, &o, err));
    o.opset = 19;
    OK(ek_model_save(model, path, &o, err));
    OK(ek_model_load(path, &loaded, err));
    same_norms(model, loaded);
    assert_int_equal(ek_model_opset(loaded), 19);
    ek_model_destroy(loaded);
    o.opset = 21;
    OK(ek_model_save(batch, path, &o, err));
    OK(ek_model_load(path, &loaded, err));
    assert_int_equal(ek_model_opset(loaded), 21);
    ek_model_destroy(loaded);
    OK(ek_model_set_metadata(model, "evenkeel.opset", "17", err)); /* the opset sticks */
    OK(ek_model_save(model, path, NULL, err));
    eki_graph *graph;
    OK(eki_onnx_load(path, NULL, &graph, err));
    assert_int_equal(eki_graph_opset(graph, ""), 17);
    eki_graph_destroy(graph);
    FAILS(EK_ERR_IO, "/nowhere", ek_model_save(model, "/nowhere/x.onnx", NULL, err));
    ek_model_destroy(model);
    ek_model_destroy(batch);
    fixture_clean();
}

/* Moves an initializer into a Constant node, as some exporters write it. */
static void sink(eki_graph *graph, const char *name) {
    eki_value *value = eki_graph_find(graph, name);
    assert_non_null(value);
    eki_tensor *tensor = value->init;
    eki_node *node;
    eki_attr *attr;
    value->init = NULL;
    OK(eki_graph_add_node(graph, "Constant", "", "", NULL, 0, &value, 1, &node, err));
    OK(eki_node_attr_slot(graph, node, "value", &attr, err));
    attr->type = EKI_ATTR_TENSOR;
    attr->t = tensor;
    OK(eki_graph_sort(graph, err));
}

static void test_constants_become_parameters(void **state) {
    (void)state;
    ek_model *model = model_with("cnn6", EK_NORM_BATCH), *loaded;
    float logits[EXAMPLES * CLASSES], found[EXAMPLES * CLASSES];
    const char *path = fixture_path("c.onnx");
    run(model, logits);
    OK(ek_model_save(model, path, NULL, err));
    eki_graph *graph;
    OK(eki_onnx_load(path, NULL, &graph, err));
    size_t nodes = graph->n_nodes;
    const char *const names[] = {"conv1.weight", "bn1.scale", "bn1.running_mean", "fc.bias"};
    for (int i = 0; i < 4; i++) sink(graph, names[i]);
    OK(eki_onnx_save(graph, fixture_path("sunk.onnx"), err));
    eki_graph_destroy(graph);
    OK(ek_model_load(fixture_path("sunk.onnx"), &loaded, err));
    assert_int_equal(ek_model_node_count(loaded), nodes + 4);
    fixture_same_tensors(model, loaded);
    same_norms(model, loaded);
    run(loaded, found);
    assert_memory_equal(found, logits, sizeof found);
    ek_model_destroy(loaded);
    ek_model_destroy(model);
    fixture_clean();
}

/* Damaged subgraphs load as something or are refused; nothing is read that is not there. The nodes come first. */
static void test_damaged(void **state) {
    (void)state;
    const ek_norm_kind kinds[2] = {EK_NORM_GROUP, EK_NORM_RMS};
    for (int k = 0; k < 2; k++) {
        size_t size, loaded = 0;
        eki_graph_destroy(lowered_graph(kinds[k]));
        unsigned char *bytes = fixture_read(fixture_path("n.onnx"), &size);
        assert_true(bytes != NULL && size > 6000);
        for (uint64_t i = 0; i < 3000; i++) {
            eki_random random = eki_random_stream(3, "damage", i, 0);
            size_t at = (size_t)eki_random_below(random, 0, 6000);
            unsigned char kept = bytes[at];
            bytes[at] = (unsigned char)eki_random_u32(random, 1);
            ek_error err;
            ek_model *model;
            if (eki_model_load_bytes(bytes, size, "damaged.onnx", &model, &err) == EK_OK) loaded++;
            ek_model_destroy(model);
            bytes[at] = kept;
        }
        assert_true(loaded > 0);
        free(bytes);
    }
    fixture_clean();
}

/* A node that holds graphs is refused for that, and not for a change that its operator did not have. */
static void test_reasons(void **state) {
    (void)state;
    static const struct {
        eki_opcode op;
        int64_t from, to;
        const char *why;
    } rows[] = {
        {EKI_OP_If, 17, 18, "17 to 18: the graphs in it are not looked into"},
        {EKI_OP_Loop, 23, 17, "23 to 17: the graphs in it are not looked into"},
        {EKI_OP_Scan, 17, 23, "17 to 23: the graphs in it are not looked into"},
        {EKI_OP_Split, 17, 23, "17 to 23: its operator changed at 18"},
        {EKI_OP_Gelu, 21, 17, "21 to 17: its operator begins at 20"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        eki_graph *graph;
        eki_value *in, *out;
        eki_node *node;
        ek_error why = {.text = ""};
        OK(eki_graph_create(rows[i].from, &graph, err));
        OK(eki_graph_value(graph, "x", &in, err));
        OK(eki_graph_value(graph, "y", &out, err));
        OK(eki_graph_add_op(graph, rows[i].op, "node", &in, 1, &out, 1, &node, err));
        assert_int_equal(eki_opset_check(graph, rows[i].to, NULL, &why), EK_ERR_UNSUPPORTED);
        if (strstr(why.text, rows[i].why) == NULL) fail_msg("'%s' does not say '%s'", why.text, rows[i].why);
        OK(eki_opset_check(graph, rows[i].from, NULL, err));
        eki_graph_destroy(graph);
    }
}

/* The first GroupNormalization came with 18, the second with 21; each lacks where it is not. */
static void test_lacking(void **state) {
    (void)state;
    static const struct {
        eki_opcode op;
        int64_t own, version;
        bool lacks;
    } rows[] = {
        {EKI_OP_GroupNormalization, 18, 17, true},  {EKI_OP_GroupNormalization, 20, 17, true},
        {EKI_OP_GroupNormalization, 20, 18, false}, {EKI_OP_GroupNormalization, 21, 20, true},
        {EKI_OP_GroupNormalization, 21, 17, true},  {EKI_OP_GroupNormalization, 23, 21, false},
        {EKI_OP_RMSNormalization, 23, 22, true},    {EKI_OP_RMSNormalization, 24, 23, false},
        {EKI_OP_LayerNormalization, 21, 17, false}, {EKI_OP_BatchNormalization, 21, 17, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(eki_opset_lacks(rows[i].op, rows[i].own, rows[i].version), rows[i].lacks);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips), cmocka_unit_test(test_near_misses),
        cmocka_unit_test(test_saving),      cmocka_unit_test(test_shared_scale),
        cmocka_unit_test(test_damaged),     cmocka_unit_test(test_constants_become_parameters),
        cmocka_unit_test(test_reasons),     cmocka_unit_test(test_lacking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
