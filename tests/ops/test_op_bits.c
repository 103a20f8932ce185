/* Are the bits of an example's result and gradient the same in any batch, at any place in it and on any number of
 * threads? For every operator that works on examples.
 */
#include "op_harness.h"

#include <stdio.h>
#include <string.h>

enum { BATCH = 7, CHANNELS = 6, SIDE = 37, EXAMPLE = CHANNELS * SIDE * SIDE };

typedef struct row {
    const char *op;
    int parameters; /* vectors of CHANNELS after the input */
    int64_t axis, groups;
    bool broadcast; /* second input [CHANNELS, 1, 1] */
} row;

static const row rows[] = {
    {.op = "Relu"},
    {.op = "Sigmoid"},
    {.op = "Tanh"},
    {.op = "HardSwish"},
    {.op = "Gelu"},
    {.op = "Mish"},
    {.op = "PRelu", .broadcast = true},
    {.op = "Max", .broadcast = true},
    {.op = "LpNormalization", .axis = 1},
    {.op = "Add", .broadcast = true},
    {.op = "Mul", .broadcast = true},
    {.op = "Softmax", .axis = -1},
    {.op = "Softmax", .axis = 1},
    {.op = "LogSoftmax", .axis = 2},
    {.op = "Transpose"},
    {.op = "InstanceNormalization", .parameters = 2},
    {.op = "GroupNormalization", .parameters = 2, .groups = 3},
    {.op = "BatchNormalization", .parameters = 4},
};

/* Fills the example with what depends on its identity only. */
static void fill(float *to, size_t identity) {
    for (size_t i = 0; i < EXAMPLE; i++) to[i] = (float)((i * 37 + identity * 101) % 509) / 128.0f - 2.0f;
}

static void build(op_test *t, const row *r, int64_t batch) {
    eki_value *in[5];
    size_t n = 0;
    op_begin(t, 21);
    in[n++] = op_input(t, SHAPE(batch, CHANNELS, SIDE, SIDE), NULL);
    for (int i = 0; i < r->parameters; i++) {
        in[n++] = op_param(t, SHAPE(CHANNELS), (float[]){0.5f, 1, 1.5f, 0.25f, 2, 0.75f});
    }
    if (r->broadcast) in[n++] = op_param(t, SHAPE(CHANNELS, 1, 1), NULL);
    eki_node *node = op_node(t, r->op, 1, in, n);
    if (r->axis != 0) (void)eki_node_set_int(t->graph, node, "axis", r->axis, NULL);
    if (r->groups != 0) (void)eki_node_set_int(t->graph, node, "num_groups", r->groups, NULL);
    if (strcmp(r->op, "Transpose") == 0) {
        (void)eki_node_set_ints(t->graph, node, "perm", (int64_t[]){0, 2, 3, 1}, 4, NULL);
    }
}

/* Runs a batch whose example k has identity ids[k] and copies y and dx of example `which`. */
static void run(const row *r, const size_t *ids, size_t batch, size_t which, int threads, float *y, float *dx) {
    op_test t;
    build(&t, r, (int64_t)batch);
    for (size_t k = 0; k < batch; k++) fill(t.feed[0] + k * EXAMPLE, ids[k]);
    t.options.threads = threads;
    op_run(&t, EKI_MODE_INFERENCE);
    memcpy(y, op_result(&t, 0, NULL) + which * EXAMPLE, EXAMPLE * sizeof *y);
    float *dy = eki_exec_output_gradient(t.exec, 0);
    for (size_t k = 0; k < batch; k++) fill(dy + k * EXAMPLE, ids[k] + 1000);
    assert_int_equal(eki_exec_backward(t.exec, &t.err), EK_OK);
    memcpy(dx, eki_exec_input_gradient(t.exec, 0) + which * EXAMPLE, EXAMPLE * sizeof *dx);
    op_end(&t);
}

static void examples_stand_alone(void **state) {
    (void)state;
    static float y[2][EXAMPLE], dx[2][EXAMPLE];
    static const size_t alone[] = {42}, many[BATCH] = {3, 9, 27, 81, 42, 5, 1}, other[BATCH] = {42, 8, 6, 4, 2, 0, 7};
    for (size_t i = 0; i < COUNT(rows); i++) {
        run(&rows[i], alone, 1, 0, 1, y[0], dx[0]);
        for (int threads = 1; threads <= 4; threads++) {
            run(&rows[i], threads % 2 ? many : other, BATCH, threads % 2 ? 4 : 0, threads, y[1], dx[1]);
            if (memcmp(y[0], y[1], sizeof y[0]) != 0) fail_msg("%s forward, %d threads", rows[i].op, threads);
            if (memcmp(dx[0], dx[1], sizeof dx[0]) != 0) fail_msg("%s backward, %d threads", rows[i].op, threads);
        }
    }
}

/* Parameter gradients: the same on any number of threads. */
static void parameter_gradients_ignore_threads(void **state) {
    (void)state;
    static const row trained[] = {{.op = "Mul", .broadcast = true},
                                  {.op = "InstanceNormalization", .parameters = 2},
                                  {.op = "BatchNormalization", .parameters = 4}};
    for (size_t i = 0; i < COUNT(trained); i++) {
        float first[CHANNELS] = {0};
        for (int threads = 1; threads <= 4; threads++) {
            op_test t;
            build(&t, &trained[i], BATCH);
            t.options.threads = threads;
            op_run(&t, EKI_MODE_TRAINING);
            float *dy = eki_exec_output_gradient(t.exec, 0);
            for (size_t k = 0; k < BATCH; k++) fill(dy + k * EXAMPLE, k);
            assert_int_equal(eki_exec_backward(t.exec, &t.err), EK_OK);
            const eki_parameter *p = eki_exec_parameter(t.exec, 0);
            if (threads == 1) memcpy(first, p->gradient, sizeof first);
            assert_memory_equal(first, p->gradient, sizeof first);
            op_end(&t);
        }
    }
}

/* No example at all is a legal batch. */
static void empty_batch(void **state) {
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        op_test t;
        build(&t, &rows[i / 2], 0);
        op_run(&t, i % 2 ? EKI_MODE_TRAINING : EKI_MODE_INFERENCE);
        assert_int_equal(eki_exec_backward(t.exec, &t.err), EK_OK);
        assert_int_equal(eki_exec_commit(t.exec, &t.err), EK_OK);
        for (size_t p = 0; p < eki_exec_parameter_count(t.exec); p++) {
            const eki_parameter *parameter = eki_exec_parameter(t.exec, p);
            for (size_t k = 0; k < parameter->count; k++) assert_true(parameter->gradient[k] == 0.0f);
        }
        op_end(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_stand_alone),
        cmocka_unit_test(parameter_gradients_ignore_threads),
        cmocka_unit_test(empty_batch),
    };
    return cmocka_run_group_tests_name("op_bits", tests, NULL, NULL);
}
