/* test_session.c: what a session takes and refuses, which outputs it gives, and looking into models. */
#include "train/train_fixture.h"

#include "model/model.h"

#include <math.h>
#include <string.h>

enum { EXTENT = 8 };

static float images[4 * EXTENT * EXTENT];

static ek_array input_of(int64_t count) {
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) images[i] = (float)(i % 7) - 3.0F;
    return (ek_array){.dtype = EK_F32, .rank = 4, .dims = {count, 1, EXTENT, EXTENT}, .data = images};
}

static void test_outputs(void **state) {
    (void)state;
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0);
    const char *names[] = {"bn1.out", "logits"};
    ek_session_options o = ek_session_options_default();
    ek_session *session;
    ek_array input = input_of(4);
    o.outputs = names;
    o.output_count = 2;
    o.profile = 1;
    OK(ek_session_create(model, &o, &session, err));
    assert_int_equal(ek_session_output_count(session), 2);
    assert_int_equal(ek_session_output(session, 0).dtype, EK_DTYPE_NONE); /* nothing ran yet */
    OK(ek_session_run(session, &input, 1, err));
    ek_array inner = ek_session_output(session, 0), logits = ek_session_output(session, 1);
    assert_true(inner.rank == 2 && inner.dims[0] == 4 && inner.dims[1] == 100);
    assert_true(logits.rank == 2 && logits.dims[1] == 4);
    assert_string_equal(ek_session_output_name(session, 0), "bn1.out");
    assert_string_equal(ek_session_output_name(session, 5), "");
    float kept[4];
    memcpy(kept, logits.data, sizeof kept);
    input.dims[0] = 1; /* another batch: the same bits for the same example */
    OK(ek_session_run(session, &input, 1, err));
    assert_memory_equal(kept, ek_session_output(session, 1).data, sizeof kept);
    ek_profile_row rows[16];
    size_t count = ek_session_profile(session, rows, 16);
    assert_true(count >= 4 && count <= 16);
    ek_session_destroy(session);
    names[0] = "nothing";
    FAILS(EK_ERR_ARG, "no value 'nothing'", ek_session_create(model, &o, &session, err));
    assert_null(session);
    o.mode = (ek_mode)5;
    FAILS(EK_ERR_ARG, "mode 5", ek_session_create(model, &o, &session, err));
    ek_model_destroy(model);
}

/* Gradients of one logit against differences, for an input and for a weight; what must come before is demanded. */
static void test_gradients(void **state) {
    (void)state;
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0);
    ek_session_options o = ek_session_options_default();
    ek_session *session;
    ek_array input = input_of(4), g;
    float one[16] = {0}, *weights;
    ek_tensor_info info;
    void *data;
    double value[2];
    one[5] = 1.0F; /* logit 1 of example 1 */
    OK(ek_session_create(model, &o, &session, err));
    OK(ek_session_run(session, &input, 1, err));
    FAILS(EK_ERR_STATE, "this session was made without", ek_session_backward(session, 0, one, err));
    ek_session_destroy(session);
    o.mode = EK_MODE_TRAINING;
    o.gradients = 1;
    o.threads = 1;
    OK(ek_session_create(model, &o, &session, err));
    FAILS(EK_ERR_STATE, "nothing was run", ek_session_backward(session, 0, one, err));
    OK(ek_model_tensor_data(model, "fc2.weight", &info, &data, err));
    weights = data;
    for (int which = 0; which < 2; which++) { /* a pixel of another example of the batch, a weight */
        float *place = which ? &weights[7] : &images[2 * EXTENT * EXTENT + 9], before = *place;
        for (int side = 0; side < 2; side++) {
            *place = before + (side ? 0.01F : -0.01F);
            OK(ek_session_run(session, &input, 1, err));
            value[side] = (double)((const float *)ek_session_output(session, 0).data)[5];
        }
        *place = before;
        OK(ek_session_run(session, &input, 1, err));
        OK(ek_session_backward(session, 0, one, err));
        g = which ? ek_session_parameter_gradient(session, "fc2.weight") : ek_session_input_gradient(session, 0);
        double slope = (double)((const float *)g.data)[which ? 7 : 2 * EXTENT * EXTENT + 9];
        double expected = (value[1] - value[0]) / 0.02;
        if (fabs(slope - expected) > 0.02 * fabs(expected) + 1e-3) fail_msg("%g, expected %g", slope, expected);
    }
    FAILS(EK_ERR_STATE, "taken already", ek_session_backward(session, 0, one, err));
    assert_null(ek_session_parameter_gradient(session, "nothing").data);
    ek_session_destroy(session);
    ek_model_destroy(model);
}

/* Virtual batches: an example's logits depend on its own half of the batch alone. */
static void test_virtual_batch(void **state) {
    (void)state;
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0);
    ek_session_options o = ek_session_options_default();
    ek_session *session;
    ek_array input = input_of(4);
    float before[4];
    o.mode = EK_MODE_TRAINING;
    for (int half = 0; half < 2; half++) {
        o.virtual_batch = half ? 2 : 0;
        (void)input_of(4);
        OK(ek_session_create(model, &o, &session, err));
        OK(ek_session_run(session, &input, 1, err));
        memcpy(before, ek_session_output(session, 0).data, sizeof before);
        images[3 * EXTENT * EXTENT] += 5.0F;
        OK(ek_session_run(session, &input, 1, err));
        assert_int_equal(memcmp(before, ek_session_output(session, 0).data, sizeof before) == 0, half);
        ek_session_destroy(session);
    }
    o.virtual_batch = -1;
    FAILS(EK_ERR_ARG, "virtual_batch -1", ek_session_create(model, &o, &session, err));
    ek_model_destroy(model);
}

static void test_refusals(void **state) {
    (void)state;
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0);
    ek_session *session;
    ek_array input = input_of(2);
    OK(ek_session_create(model, NULL, &session, err));
    FAILS(EK_ERR_ARG, "0 inputs were given, the model wants 1, the first being 'input'",
          ek_session_run(session, NULL, 0, err));
    input.dtype = EK_F64;
    FAILS(EK_ERR_DTYPE, "is float64, the model wants float32", ek_session_run(session, &input, 1, err));
    input = input_of(2);
    input.dims[2] = 9;
    FAILS(EK_ERR_SHAPE, "[2,1,9,8], the model wants [N,1,8,8]", ek_session_run(session, &input, 1, err));
    input = input_of(2);
    input.rank = 3;
    FAILS(EK_ERR_SHAPE, "input 'input'", ek_session_run(session, &input, 1, err));
    input = input_of(2);
    input.data = NULL;
    FAILS(EK_ERR_ARG, "has no data", ek_session_run(session, &input, 1, err));
    ek_session_destroy(session);
    ek_model_destroy(model);
}

/* Training mode uses the batch, inference the running statistics; neither changes the model. */
static void test_modes(void **state) {
    (void)state;
    ek_model *model = fixture_model("cnn6", EK_NORM_BATCH, EXTENT, 0.5);
    uint64_t hash = fixture_hash(model);
    ek_array input = input_of(4);
    float results[3][16];
    for (int mode = 0; mode < 3; mode++) {
        ek_session_options o = ek_session_options_default();
        ek_session *session;
        o.mode = (ek_mode)mode;
        OK(ek_session_create(model, &o, &session, err));
        OK(ek_session_run(session, &input, 1, err));
        memcpy(results[mode], ek_session_output(session, 0).data, sizeof results[mode]);
        ek_session_destroy(session);
    }
    assert_memory_equal(results[EK_MODE_FILE], results[EK_MODE_INFERENCE], sizeof results[0]);
    assert_memory_not_equal(results[EK_MODE_TRAINING], results[EK_MODE_INFERENCE], sizeof results[0]);
    assert_true(hash == fixture_hash(model));
    ek_model_destroy(model);
}

static void test_looking(void **state) {
    (void)state;
    ek_model *model = fixture_model("mlp", (ek_norm_kind)0, EXTENT, 0.0);
    ek_tensor_info info;
    void *data;
    assert_int_equal(ek_model_input_count(model), 1);
    assert_int_equal(ek_model_output_count(model), 1);
    assert_int_equal(ek_model_node_count(model), 1 + 3 * 2 + 1);
    assert_string_equal(ek_model_node(model, 0).op_type, "Flatten");
    assert_string_equal(ek_model_node(model, 99).op_type, "");
    assert_int_equal(ek_model_tensor_count(model), 8);
    assert_int_equal(ek_model_input(model, 3).rank, -1);
    assert_int_equal(ek_model_output(model, 3).rank, -1);
    assert_string_equal(ek_model_tensor(model, 99).name, "");
    assert_string_equal(ek_model_norm_get(model, 0).node, "");
    OK(ek_model_tensor_data(model, "fc1.weight", &info, &data, err));
    assert_true(info.dims[0] == 100 && info.dims[1] == 64 && info.data == data);
    FAILS(EK_ERR_ARG, "no initializer 'fc9'", ek_model_tensor_data(model, "fc9", &info, &data, err));
    FAILS(EK_ERR_ARG, "may not be empty", ek_model_set_metadata(model, "", "x", err));
    assert_null(ek_model_metadata(model, "evenkeel.mean"));
    ek_model *none;
    FAILS(EK_ERR_IO, "absent.onnx", ek_model_load("/tmp/absent.onnx", &none, err));
    ek_model_destroy(model);
    ek_model_destroy(NULL);
}

/* An initializer that is an input too takes another value, for the next session; nothing else does. */
static void test_defaults(void **state) {
    (void)state;
    ek_model *model = fixture_model("mlp", (ek_norm_kind)0, EXTENT, 0.0);
    eki_value *bias = eki_graph_find(model->document, "fc4.bias");
    float numbers[5] = {1, 2, 3, 4, 5}, zero[100] = {0}, kept[16];
    ek_array array = {.dtype = EK_F32, .rank = 1, .dims = {4}, .data = numbers}, input = input_of(4);
    ek_session *session;
    assert_non_null(bias);
    FAILS(EK_ERR_ARG, "an initializer, but no graph input", ek_model_set_default(model, "fc4.bias", &array, err));
    OK(eki_graph_add_input(model->document, bias, err));
    OK(eki_model_rebuild(model, err));
    assert_int_equal(ek_model_input_count(model), 1);
    FAILS(EK_ERR_ARG, "no such name", ek_model_set_default(model, "fc9", &array, err));
    FAILS(EK_ERR_ARG, "fed by ek_session_run", ek_model_set_default(model, "input", &array, err));
    FAILS(EK_ERR_ARG, "the output of a node", ek_model_set_default(model, "logits", &array, err));
    array.dims[0] = 5;
    FAILS(EK_ERR_SHAPE, "'fc4.bias' has shape [5], the model wants [4]",
          ek_model_set_default(model, "fc4.bias", &array, err));
    array.dims[0] = 4;
    array.dtype = EK_I32;
    FAILS(EK_ERR_DTYPE, "'fc4.bias' is int32", ek_model_set_default(model, "fc4.bias", &array, err));
    array.dtype = EK_F32;
    for (int round = 0; round < 2; round++) {
        array.data = round == 0 ? zero : numbers;
        OK(ek_model_set_default(model, "fc4.bias", &array, err));
        OK(ek_session_create(model, NULL, &session, err));
        OK(ek_session_run(session, &input, 1, err));
        const float *y = ek_session_output(session, 0).data;
        for (int i = 0; i < 16; i++)
            if (round == 1) assert_true(fabsf(y[i] - (kept[i] + numbers[i % 4])) < 1e-5F);
        memcpy(kept, y, sizeof kept);
        ek_session_destroy(session);
    }
    ek_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outputs),  cmocka_unit_test(test_gradients), cmocka_unit_test(test_virtual_batch),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_modes),     cmocka_unit_test(test_looking),
        cmocka_unit_test(test_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
