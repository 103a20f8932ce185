/* Is dropout active exactly when it should be, right on average, and a function of seed, step, node and sample alone?
 */
#include "op_harness.h"

#include <math.h>
#include <string.h>

enum { SAMPLES = 8, WIDTH = 100 };

static void dropout_graph(op_test *t, int64_t opset, float ratio, int n_out) {
    float *ones = test_malloc(SAMPLES * WIDTH * sizeof *ones);
    for (int i = 0; i < SAMPLES * WIDTH; i++) ones[i] = 1.0f;
    op_begin(t, opset);
    eki_value *x = op_input(t, SHAPE(SAMPLES, WIDTH), ones);
    test_free(ones);
    if (opset >= 12) {
        NODE(t, "Dropout", n_out, x, op_param(t, SCALAR, &ratio));
    } else {
        eki_node *node = NODE(t, "Dropout", n_out, x);
        assert_int_equal(eki_node_set_float(t->graph, node, "ratio", ratio, NULL), EK_OK);
    }
}

static int dropped(op_test *t) {
    int zeros = 0;
    for (int i = 0; i < SAMPLES * WIDTH; i++) zeros += op_result(t, 0, NULL)[i] == 0.0f;
    return zeros;
}

static void active_by_mode_and_opset(void **state) {
    (void)state;
    static const struct {
        int64_t opset;
        bool in_file;
    } cases[] = {{1, true}, {6, true}, {7, false}, {10, false}, {12, false}, {13, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        op_test t;
        dropout_graph(&t, cases[i].opset, 0.5f, 1);
        op_run(&t, EKI_MODE_FILE);
        assert_true((dropped(&t) > 0) == cases[i].in_file);
        op_run(&t, EKI_MODE_INFERENCE);
        assert_int_equal(dropped(&t), 0);
        op_run(&t, EKI_MODE_TRAINING);
        assert_true(dropped(&t) > SAMPLES * WIDTH * 4 / 10 && dropped(&t) < SAMPLES * WIDTH * 6 / 10);
        op_end(&t);
    }
}

static void kept_elements_are_scaled(void **state) {
    (void)state;
    op_test t;
    dropout_graph(&t, 13, 0.2f, 1);
    op_run(&t, EKI_MODE_TRAINING);
    const float *y = op_result(&t, 0, NULL);
    for (int i = 0; i < SAMPLES * WIDTH; i++) assert_true(y[i] == 0.0f || fabsf(y[i] - 1.25f) < 1e-6f);
    assert_true(dropped(&t) > 100 && dropped(&t) < 220);
    op_end(&t);
    dropout_graph(&t, 13, 1.0f, 1);
    op_run_fails(&t, EKI_MODE_TRAINING, EK_ERR_FORMAT, "ratio is 1");
    op_end(&t);
}

static void mask_output(void **state) {
    (void)state;
    for (int64_t opset = 7; opset <= 13; opset += 6) {
        op_test t;
        dropout_graph(&t, opset, 0.5f, 2);
        op_run(&t, EKI_MODE_TRAINING);
        eki_view mask = eki_exec_output(t.exec, 1);
        assert_int_equal(mask.dtype, opset == 7 ? EK_F32 : EK_BOOL);
        for (int i = 0; i < SAMPLES * WIDTH; i++) {
            bool kept = opset == 7 ? ((float *)mask.data)[i] == 1.0f : ((unsigned char *)mask.data)[i] == 1;
            assert_true(kept == (op_result(&t, 0, NULL)[i] != 0.0f));
        }
        op_end(&t);
    }
}

/* Sample ids in another order permute the rows and change nothing else; steps and seeds change everything. */
static void keyed_by_sample_step_and_seed(void **state) {
    (void)state;
    static const uint64_t ids[SAMPLES] = {7, 3, 0, 1, 2, 6, 5, 4};
    float first[SAMPLES * WIDTH];
    op_test t;
    dropout_graph(&t, 13, 0.5f, 1);
    t.options.seed = 11;
    t.options.threads = 1;
    op_run(&t, EKI_MODE_TRAINING);
    memcpy(first, op_result(&t, 0, NULL), sizeof first);
    t.options.threads = 3;
    op_run(&t, EKI_MODE_TRAINING);
    assert_memory_equal(first, op_result(&t, 0, NULL), sizeof first);
    eki_exec_plan(t.exec)->sample_ids = ids;
    eki_exec_plan(t.exec)->samples = SAMPLES;
    op_forward(&t);
    for (size_t s = 0; s < SAMPLES; s++) {
        assert_memory_equal(first + ids[s] * WIDTH, op_result(&t, 0, NULL) + s * WIDTH, WIDTH * sizeof *first);
    }
    eki_exec_plan(t.exec)->sample_ids = NULL;
    eki_exec_plan(t.exec)->step_id = 1;
    op_forward(&t);
    assert_memory_not_equal(first, op_result(&t, 0, NULL), sizeof first);
    t.options.seed = 12;
    op_run(&t, EKI_MODE_TRAINING);
    assert_memory_not_equal(first, op_result(&t, 0, NULL), sizeof first);
    op_end(&t);
}

/* Tensors that hold several rows per example, or have lost the batch: no index beyond the examples there are. */
static void rows_are_not_always_samples(void **state) {
    (void)state;
    uint64_t *ids = test_malloc(4 * sizeof *ids); /* exactly as many as there are */
    float first[SAMPLES * WIDTH];
    op_test t;
    for (uint64_t i = 0; i < 4; i++) ids[i] = 3 - i;
    dropout_graph(&t, 13, 0.5f, 1);
    op_run(&t, EKI_MODE_TRAINING);
    eki_plan *plan = eki_exec_plan(t.exec);
    plan->samples = 4; /* two rows each */
    plan->sample_ids = ids;
    op_forward(&t);
    memcpy(first, op_result(&t, 0, NULL), sizeof first);
    plan->sample_ids = NULL;
    op_forward(&t);
    for (size_t s = 0; s < 4; s++) {
        const float *in_order = op_result(&t, 0, NULL) + (3 - s) * 2 * WIDTH;
        assert_memory_equal(first + s * 2 * WIDTH, in_order, 2 * WIDTH * sizeof *first);
    }
    plan->samples = 3; /* 8 rows: not of the batch */
    plan->sample_ids = ids;
    op_forward(&t);
    assert_true(dropped(&t) > SAMPLES * WIDTH * 4 / 10 && dropped(&t) < SAMPLES * WIDTH * 6 / 10);
    op_end(&t);
    test_free(ids);
}

/* Behind a convolution, whose result is blocked, an idle dropout's mask is plain and true everywhere. */
static void mask_behind_convolution(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_value *x = op_input(&t, SHAPE(1, 5, 3, 3), NULL);
    eki_node *conv = NODE(&t, "Conv", 1, x, op_param(&t, SHAPE(5, 5, 1, 1), NULL));
    NODE(&t, "Dropout", 2, conv->out[0]);
    op_run(&t, EKI_MODE_INFERENCE);
    eki_view mask = eki_exec_output(t.exec, 1);
    assert_int_equal(mask.dtype, EK_BOOL);
    for (int i = 0; i < 45; i++) assert_int_equal(((unsigned char *)mask.data)[i], 1);
    op_end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(active_by_mode_and_opset),
        cmocka_unit_test(kept_elements_are_scaled),
        cmocka_unit_test(mask_output),
        cmocka_unit_test(keyed_by_sample_step_and_seed),
        cmocka_unit_test(rows_are_not_always_samples),
        cmocka_unit_test(mask_behind_convolution),
    };
    return cmocka_run_group_tests_name("op_dropout", tests, NULL, NULL);
}
