/* test_architectures.c: every architecture with every norm in both places: element counts, names, a forward pass. */
#include "train/train_fixture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct expectation {
    const char *name;
    int64_t plain;         /* elements without norms */
    int64_t before, after; /* norm channels with the norm before or after the activation */
    int64_t instance;      /* channels that instance norm is left with */
    int norms;
} expectation;

/* ResNet-20 with batch norm has 270 906 weights and 1568 norm parameters: the 272 474 of the literature. */
static const expectation expectations[] = {
    {"mlp", 99710, 300, 300, 0, 3},
    {"lenet", 61706, 226, 226, 22, 4},
    {"cnn6", 72730, 224, 224, 224, 6},
    {"resnet20", 271690, 784, 688, 784, 21},
};

static int64_t count_elements(const ek_model *model) {
    int64_t sum = 0;
    for (size_t i = 0; i < ek_model_tensor_count(model); i++) sum += (int64_t)ek_model_tensor(model, i).bytes / 4;
    return sum;
}

static void check_forward(ek_model *model, int channels, int extent) {
    static float images[2 * 3 * 32 * 32];
    ek_session *session;
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) images[i] = (float)sin((double)i);
    ek_array input = {.dtype = EK_F32, .rank = 4, .dims = {2, channels, extent, extent}, .data = images};
    OK(ek_session_create(model, NULL, &session, err));
    OK(ek_session_run(session, &input, 1, err));
    ek_array out = ek_session_output(session, 0);
    assert_int_equal(out.rank, 2);
    assert_int_equal(out.dims[0], 2);
    assert_int_equal(out.dims[1], 10);
    double largest = 0;
    for (int i = 0; i < 20; i++) {
        double value = fabs((double)((const float *)out.data)[i]);
        assert_true(isfinite(value));
        if (value > largest) largest = value;
    }
    if (largest < 1e-4 || largest > 1e5) fail_msg("logits up to %g", largest);
    ek_session_destroy(session);
}

static void check_one(const expectation *e, ek_norm_kind norm, ek_norm_place place) {
    static const int per_channel[] = {0, 4, 2, 2, 2, 1};
    ek_build_options o = ek_build_options_default(e->name);
    ek_model *model;
    ek_norm_kind none = (ek_norm_kind)0;
    o.norm = norm;
    o.place = place;
    OK(ek_model_build(&o, &model, err));
    int64_t channels = place == EK_PLACE_BEFORE ? e->before : e->after;
    if (norm == EK_NORM_INSTANCE && e->instance < channels) channels = e->instance;
    int64_t expected = e->plain;
    if (norm != none) expected += channels * per_channel[norm] - (place == EK_PLACE_BEFORE ? channels : 0);
    int64_t found = count_elements(model);
    if (found != expected) {
        fail_msg("%s, norm %d, place %d: %lld elements, expected %lld", e->name, norm, place, (long long)found,
                 (long long)expected);
    }
    int norms = norm == none ? 0 : e->norms;
    if (norm == EK_NORM_INSTANCE && strcmp(e->name, "lenet") == 0) norms = 2;
    if (norms == 21 && place == EK_PLACE_AFTER) norms = 19;
    assert_int_equal(ek_model_norm_count(model), norms);
    for (int i = 0; i < norms; i++) {
        ek_model_norm info = ek_model_norm_get(model, (size_t)i);
        assert_int_equal(info.kind, norm);
        assert_true(fabs(info.epsilon - 1e-5) < 1e-11);
        if (norm == EK_NORM_GROUP) assert_true(info.groups >= 1 && info.channels % info.groups == 0);
    }
    assert_int_equal(ek_model_opset(model), norm == EK_NORM_GROUP ? 21 : norm == EK_NORM_RMS ? 23 : 17);
    check_forward(model, o.channels, o.height);
    ek_model_destroy(model);
}

static void test_all(void **state) {
    (void)state;
    const size_t stacks = sizeof expectations / sizeof *expectations;
    assert_int_equal(ek_architecture_count(), stacks + 1); /* and the encoder, see below */
    for (size_t i = 0; i < stacks; i++) {
        assert_string_equal(ek_architecture_get(i)->name, expectations[i].name);
        for (int norm = 0; norm <= EK_NORM_RMS; norm++) {
            if (i == 0 && norm == EK_NORM_INSTANCE) continue;
            check_one(&expectations[i], (ek_norm_kind)norm, EK_PLACE_BEFORE);
            if (i >= 2 && norm == EK_NORM_INSTANCE) continue; /* averages to the bias: refused, see below */
            check_one(&expectations[i], (ek_norm_kind)norm, EK_PLACE_AFTER);
        }
    }
    assert_null(ek_architecture_get(99));
}

/* Rows without ink are padding: under layer norm they change nothing, exactly; rows with ink do. */
static void check_padding(ek_model *model, int exact) {
    enum { SIDE = 28, FIRST = 6, LAST = 19 };
    static float image[2 * SIDE * SIDE];
    float gradient[2 * 10] = {1.0F};
    ek_session_options o = ek_session_options_default();
    ek_session *session;
    ek_array input = {.dtype = EK_F32, .rank = 4, .dims = {2, 1, SIDE, SIDE}, .data = image};
    for (int i = 0; i < 2 * SIDE * SIDE; i++) {
        int row = i / SIDE % SIDE;
        image[i] = row >= FIRST && row <= LAST ? (float)(i % 5) : 0.0F;
    }
    o.mode = EK_MODE_TRAINING;
    o.gradients = 1;
    OK(ek_session_create(model, &o, &session, err));
    OK(ek_session_run(session, &input, 1, err));
    OK(ek_session_backward(session, 0, gradient, err));
    const float *slope = ek_session_input_gradient(session, 0).data;
    double ink = 0, paper = 0;
    for (int i = 0; i < SIDE * SIDE; i++) {
        int row = i / SIDE;
        double size = fabs((double)slope[i]), *to = row >= FIRST && row <= LAST ? &ink : &paper;
        *to = fmax(*to, size);
    }
    assert_true(ink > 1e-4);
    if (exact) assert_true(paper == 0);
    ek_session_destroy(session);
}

static void test_encoder(void **state) {
    (void)state;
    for (int norm = 0; norm <= EK_NORM_RMS; norm++) {
        ek_build_options o = ek_build_options_default("encoder");
        ek_model *model;
        o.norm = (ek_norm_kind)norm;
        if (norm == EK_NORM_INSTANCE) {
            FAILS(EK_ERR_ARG, "averages each feature over the tokens", ek_model_build(&o, &model, err));
            continue;
        }
        OK(ek_model_build(&o, &model, err));
        assert_int_equal(ek_model_norm_count(model), norm ? 5 : 0);
        check_forward(model, 1, 28);
        check_padding(model, norm == 0 || norm == EK_NORM_LAYER || norm == EK_NORM_RMS);
        ek_model_destroy(model);
    }
}

static void test_stack_options(void **state) {
    (void)state;
    ek_build_options o = ek_build_options_default("mlp");
    ek_model *model;
    o.hidden_layers = 5;
    o.hidden_units = 32;
    o.place = EK_PLACE_MIXED;
    o.activation = EK_ACTIVATION_SIGMOID;
    OK(ek_model_build(&o, &model, err));
    assert_int_equal(ek_model_norm_count(model), 5);
    const char *const order[] = {"fc1", "bn1", "sigmoid1", "fc2", "sigmoid2", "bn2", "fc3", "bn3", "sigmoid3"};
    for (size_t i = 0; i < 9; i++) assert_string_equal(ek_model_node(model, i + 1).name, order[i]);
    ek_model_destroy(model);
    o = ek_build_options_default("resnet20");
    o.place = EK_PLACE_MIXED;
    FAILS(EK_ERR_ARG, "one place for its norms", ek_model_build(&o, &model, err));
    o.place = EK_PLACE_BEFORE;
    o.hidden_units = 3;
    FAILS(EK_ERR_ARG, "go with architecture mlp", ek_model_build(&o, &model, err));
    o.hidden_units = 0;
    o.activation = EK_ACTIVATION_GELU;
    FAILS(EK_ERR_ARG, "none of RELU", ek_model_build(&o, &model, err));
}

static ek_tensor_info tensor(const ek_model *model, const char *name) {
    for (size_t i = 0; i < ek_model_tensor_count(model); i++) {
        ek_tensor_info info = ek_model_tensor(model, i);
        if (strcmp(info.name, name) == 0) return info;
    }
    fail_msg("no tensor %s", name);
    return (ek_tensor_info){0};
}

static void test_names(void **state) {
    (void)state;
    ek_build_options o = ek_build_options_default("resnet20");
    ek_model *model;
    OK(ek_model_build(&o, &model, err));
    ek_tensor_info info = tensor(model, "layer2.0.shortcut.conv.weight");
    assert_int_equal(info.rank, 4);
    assert_true(info.dims[0] == 32 && info.dims[1] == 16 && info.dims[2] == 1);
    assert_int_equal(tensor(model, "layer3.2.bn2.running_var").dims[0], 64);
    assert_int_equal(tensor(model, "layer2.0.shortcut.bn.scale").dims[0], 32);
    ek_model_norm norm = ek_model_norm_get(model, 0);
    assert_string_equal(norm.node, "bn1");
    assert_string_equal(norm.scale, "bn1.scale");
    assert_string_equal(norm.mean, "bn1.running_mean");
    ek_tensor_info input = ek_model_input(model, 0);
    assert_string_equal(input.name, "input");
    assert_true(input.dims[0] == -1 && input.dims[1] == 3 && input.dims[3] == 32);
    assert_string_equal(input.dim_names[0], "N");
    assert_string_equal(ek_model_output(model, 0).name, "logits");
    assert_string_equal(ek_model_logits(model), "logits");
    assert_string_equal(ek_model_path(model), "");
    ek_model_destroy(model);
}

/* He-normal: mean near 0, deviation near sqrt(2 / fan-in); a layer's weights depend on seed and name alone. */
static void test_weights(void **state) {
    (void)state;
    ek_build_options o = ek_build_options_default("cnn6");
    ek_model *batch, *group, *other;
    OK(ek_model_build(&o, &batch, err));
    o.norm = EK_NORM_GROUP;
    OK(ek_model_build(&o, &group, err));
    o.seed = 2;
    OK(ek_model_build(&o, &other, err));
    ek_tensor_info a = tensor(batch, "conv6.weight"), b = tensor(group, "conv6.weight");
    assert_memory_equal(a.data, b.data, a.bytes);
    assert_memory_not_equal(a.data, tensor(other, "conv6.weight").data, a.bytes);
    double sum = 0, squares = 0;
    size_t count = a.bytes / 4;
    for (size_t i = 0; i < count; i++) {
        double w = (double)((const float *)a.data)[i];
        sum += w;
        squares += w * w;
    }
    double deviation = sqrt(squares / (double)count), wanted = sqrt(2.0 / (64 * 9));
    assert_true(fabs(deviation / wanted - 1) < 0.02);
    assert_true(fabs(sum / (double)count) < 0.001);
    ek_model_destroy(batch);
    ek_model_destroy(group);
    ek_model_destroy(other);
}

static void test_groups_divide(void **state) {
    (void)state;
    ek_build_options o = ek_build_options_default("lenet");
    ek_model *model;
    o.norm = EK_NORM_GROUP;
    OK(ek_model_build(&o, &model, err));
    assert_int_equal(ek_model_norm_get(model, 0).groups, 6); /* 6 channels */
    assert_int_equal(ek_model_norm_get(model, 1).groups, 8); /* 16 */
    assert_int_equal(ek_model_norm_get(model, 3).groups, 7); /* 84 */
    ek_model_destroy(model);
}

static void test_refusals(void **state) {
    (void)state;
    ek_build_options o = ek_build_options_default("mlp");
    ek_model *model;
    o.norm = EK_NORM_INSTANCE;
    FAILS(EK_ERR_ARG, "instance norm in architecture mlp", ek_model_build(&o, &model, err));
    assert_null(model);
    o = ek_build_options_default("cnn6");
    o.norm = EK_NORM_INSTANCE;
    o.place = EK_PLACE_AFTER;
    FAILS(EK_ERR_ARG, "place the norm before", ek_model_build(&o, &model, err));
    o.norm = EK_NORM_GROUP;
    o.groups = 64;
    FAILS(EK_ERR_ARG, "place the norm before", ek_model_build(&o, &model, err));
    o = ek_build_options_default("vgg");
    FAILS(EK_ERR_ARG, "the built-in ones are mlp, lenet, cnn6, resnet20, encoder", ek_model_build(&o, &model, err));
    o = ek_build_options_default("lenet");
    o.height = 4;
    FAILS(EK_ERR_SHAPE, "too small for architecture lenet", ek_model_build(&o, &model, err));
    o = ek_build_options_default("cnn6");
    o.classes = 0;
    FAILS(EK_ERR_ARG, "classes = 0", ek_model_build(&o, &model, err));
    o.classes = 10;
    o.dropout = 1.0;
    FAILS(EK_ERR_ARG, "dropout", ek_model_build(&o, &model, err));
    o.dropout = 0;
    o.momentum = NAN;
    FAILS(EK_ERR_ARG, "momentum", ek_model_build(&o, &model, err));
    o.momentum = 0.9;
    o.norm = (ek_norm_kind)17;
    FAILS(EK_ERR_ARG, "norm = 17", ek_model_build(&o, &model, err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),      cmocka_unit_test(test_encoder), cmocka_unit_test(test_stack_options),
        cmocka_unit_test(test_names),    cmocka_unit_test(test_weights), cmocka_unit_test(test_groups_divide),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
