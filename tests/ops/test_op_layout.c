/* Do operators give the same in the blocked layouts that convolutions want as in plain row-major layout, forward and
 * backward, with channel counts that fill blocks and that do not?
 */
#include "op_harness.h"

#include "graph/op/op_channels.h"
#include "graph/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static eki_value *conv(op_test *t, eki_value *x, int64_t in, int64_t out) {
    eki_value *w = op_param(t, SHAPE(out, in, 3, 3), NULL);
    op_refill(t, w, -0.25f, 0.25f);
    eki_node *node = NODE(t, "Conv", 1, x, w);
    assert_int_equal(eki_node_set_ints(t->graph, node, "pads", (int64_t[]){1, 1, 1, 1}, 4, NULL), EK_OK);
    return node->out[0];
}

static eki_value *norm(op_test *t, const char *op, eki_value *x, int64_t c) {
    bool layer = strcmp(op, "LayerNormalization") == 0;
    eki_shape shape = layer ? SHAPE(c, 1, 1) : SHAPE(c);
    eki_value *scale = op_param(t, shape, NULL), *bias = op_param(t, shape, NULL);
    if (strcmp(op, "BatchNormalization") == 0) {
        eki_value *mean = op_param(t, shape, NULL), *var = op_param(t, shape, NULL);
        op_refill(t, var, 0.5f, 2.0f);
        return NODE(t, op, 1, x, scale, bias, mean, var)->out[0];
    }
    eki_node *node = NODE(t, op, 1, x, scale, bias);
    if (layer) (void)eki_node_set_int(t->graph, node, "axis", 1, NULL);
    (void)eki_node_set_int(t->graph, node, "num_groups", c % 4 == 0 ? 4 : 3, NULL);
    return node->out[0];
}

/* conv - norm - Relu - conv - norm, added to the first conv; then elementwise, Concat, pooling by ReduceMean. */
static void block(op_test *t, const char *op, int64_t c) {
    op_begin(t, 21);
    eki_value *first = conv(t, op_input(t, SHAPE(3, 3, 6, 5), NULL), 3, c);
    eki_value *a = NODE(t, "Tanh", 1, norm(t, op, first, c))->out[0];
    eki_value *b = norm(t, op, conv(t, a, c, c), c);
    eki_value *sum = NODE(t, "Add", 1, b, first)->out[0];
    eki_value *three = NODE(t, "Sum", 1, sum, a, b)->out[0];
    eki_value *mixed = NODE(t, "Mul", 1, three, NODE(t, "Sigmoid", 1, sum)->out[0])->out[0];
    eki_node *joined = NODE(t, "Concat", 1, mixed, first);
    (void)eki_node_set_int(t->graph, joined, "axis", 1, NULL);
    eki_value *out = conv(t, NODE(t, "LeakyRelu", 1, joined->out[0])->out[0], 2 * c, 4);
    op_output(t, out);
}

/* Gates, shifts and slopes of channels, of each example or of all, with the numbers on either side. */
static void gates(op_test *t, int64_t c) {
    op_begin(t, 21);
    eki_value *x = conv(t, op_input(t, SHAPE(3, 3, 6, 5), NULL), 3, c);
    eki_value *gate = NODE(t, "HardSigmoid", 1, NODE(t, "GlobalAveragePool", 1, x)->out[0])->out[0];
    x = NODE(t, "Mul", 1, x, gate)->out[0];
    x = NODE(t, "Mul", 1, op_param(t, SHAPE(1, c, 1, 1), NULL), x)->out[0];
    x = NODE(t, "Add", 1, x, op_param(t, SHAPE(c, 1, 1), NULL))->out[0];
    x = NODE(t, "Sub", 1, x, op_param(t, SHAPE(c, 1, 1), NULL))->out[0];
    x = NODE(t, "PRelu", 1, x, op_param(t, SHAPE(c, 1, 1), NULL))->out[0];
    op_output(t, conv(t, x, c, 4));
}

typedef struct result {
    size_t n;
    float *data;
} result;

static void append(result *r, const float *from, size_t count) {
    r->data = realloc(r->data, (r->n + count) * sizeof *from);
    assert_non_null(r->data);
    memcpy(r->data + r->n, from, count * sizeof *from);
    r->n += count;
}

static result run(op_test *t, eki_mode mode, bool plain) {
    result r = {0, NULL};
    size_t count;
    t->options.plain = plain;
    t->options.threads = plain ? 1 : 2;
    op_run(t, mode);
    const float *y = op_result(t, 0, &count);
    append(&r, y, count);
    if (!t->options.backward) return r;
    float *dy = eki_exec_output_gradient(t->exec, 0);
    for (size_t i = 0; i < count; i++) dy[i] = (float)(i % 17) / 8.0f - 1.0f;
    assert_int_equal(eki_exec_backward(t->exec, &t->err), EK_OK);
    append(&r, eki_exec_input_gradient(t->exec, 0), t->counts[0]);
    for (size_t i = 0; i < eki_exec_parameter_count(t->exec); i++) {
        append(&r, eki_exec_parameter(t->exec, i)->gradient, eki_exec_parameter(t->exec, i)->count);
    }
    return r;
}

/* Steps of this operator that write a blocked layout in the plan in force. */
static int blocked_steps(op_test *t, const char *op) {
    const eki_plan_private *p = eki_exec_plan(t->exec)->private_data;
    int count = 0;
    for (size_t s = 0; s < p->n_steps; s++) {
        const eki_step *step = &p->steps[s]->step;
        count += strcmp(step->op->name, op) == 0 && step->out[0].layout >= EK_LAYOUT_BLOCKED8;
    }
    return count;
}

static void expect_equal(const result *plain, const result *blocked, const char *what, int64_t channels) {
    double largest = 0.0;
    assert_int_equal(plain->n, blocked->n);
    for (size_t k = 0; k < plain->n; k++) largest = fmax(largest, fabs((double)plain->data[k]));
    for (size_t k = 0; k < plain->n; k++) {
        double bound = 1e-4 * fmax(1.0, fabs((double)plain->data[k])) + 1e-6 * largest;
        if (fabs((double)plain->data[k] - (double)blocked->data[k]) <= bound) continue;
        fail_msg("%s, %d channels, element %zu of %zu: plain %g, blocked %g", what, (int)channels, k, plain->n,
                 (double)plain->data[k], (double)blocked->data[k]);
    }
}

static void per_channel_stays_blocked(void **state) {
    (void)state;
    static const int64_t channels[] = {16, 24, 9};
    for (size_t i = 0; i < COUNT(channels); i++) {
        op_test t;
        gates(&t, channels[i]);
        t.forward_only = true;
        result plain = run(&t, EKI_MODE_INFERENCE, true), blocked = run(&t, EKI_MODE_INFERENCE, false);
        assert_int_equal(blocked_steps(&t, "Mul"), 2);
        assert_int_equal(blocked_steps(&t, "Add"), 1);
        assert_int_equal(blocked_steps(&t, "Sub"), 1);
        assert_int_equal(blocked_steps(&t, "PRelu"), 1);
        expect_equal(&plain, &blocked, "gates", channels[i]);
        free(plain.data);
        free(blocked.data);
        op_end(&t);
    }
}

static void multiply(void *argument, const float *x, const float *of, float *y, int64_t rows, int64_t lanes) {
    (void)argument;
    for (int64_t i = 0; i < rows * lanes; i++) y[i] = x[i] * of[i % lanes];
}

/* Where element (n, c, s) lies. */
static int64_t place(ek_layout layout, int64_t channels, int64_t space, int64_t n, int64_t c, int64_t s) {
    if (layout == EK_LAYOUT_NHWC) return (n * space + s) * channels + c;
    int64_t block = (int64_t)layout, blocks = (channels + block - 1) / block;
    return ((n * blocks + c / block) * space + s) * block + c % block;
}

/* Every layout, whatever this processor's convolutions want: more rows than a task takes, padding that stays zero. */
static void channels_in_every_layout(void **state) {
    (void)state;
    enum { EXAMPLES = 2, SPACE = 2500, ROOM = EXAMPLES * SPACE * 48 };
    static float x[ROOM], y[ROOM], of[EXAMPLES * 48];
    static const ek_layout layouts[] = {EK_LAYOUT_NHWC, EK_LAYOUT_BLOCKED8, EK_LAYOUT_BLOCKED16};
    static const int64_t channels[] = {1, 9, 16, 33};
    for (size_t i = 0; i < COUNT(layouts) * COUNT(channels) * 2; i++) {
        ek_layout layout = layouts[i % 3];
        int64_t c = channels[i / 3 % 4], each = (int64_t)(i / 12);
        eki_step step = {.out[0] = {.data = y}};
        eki_view data = {.shape = SHAPE(EXAMPLES, c, 50, 50), .layout = layout, .data = x};
        eki_view number = {.shape = SHAPE(each ? EXAMPLES : 1, c, 1, 1), .data = of};
        assert_true(eki_is_per_channel(&data.shape, &number.shape));
        memset(x, 0, sizeof x);
        for (int64_t k = 0; k < EXAMPLES * c; k++) of[k] = (float)(k + 1);
        for (int64_t k = 0; k < EXAMPLES * c * SPACE; k++)
            x[place(layout, c, SPACE, k / (c * SPACE), k / SPACE % c, k % SPACE)] = (float)(k % 101) - 50.0f;
        for (int64_t k = 0; k < ROOM; k++) y[k] = -1.0f;
        eki_channels_run(&step, &data, &number, multiply, NULL);
        float sum = 0.0f; /* of what lies beside the elements, which must be zeros */
        for (size_t k = 0; k < eki_view_elements(&data); k++) sum += fabsf(x[k]) > 0.0f ? 0.0f : fabsf(y[k]);
        assert_true(sum == 0.0f);
        for (int64_t k = 0; k < EXAMPLES * c * SPACE; k++) {
            int64_t n = k / (c * SPACE), ch = k / SPACE % c;
            float wanted = ((float)(k % 101) - 50.0f) * of[(each ? n * c : 0) + ch];
            assert_true(y[place(layout, c, SPACE, n, ch, k % SPACE)] == wanted);
        }
    }
}

static void blocked_equals_plain(void **state) {
    (void)state;
    static const char *const norms[] = {"BatchNormalization", "GroupNormalization", "InstanceNormalization",
                                        "LayerNormalization"};
    static const int64_t channels[] = {16, 24, 9};
    for (size_t i = 0; i < COUNT(norms) * COUNT(channels); i++) {
        for (int mode = EKI_MODE_INFERENCE; mode <= EKI_MODE_TRAINING; mode++) {
            op_test t;
            block(&t, norms[i % 4], channels[i / 4]);
            result plain = run(&t, (eki_mode)mode, true);
            assert_int_equal(blocked_steps(&t, norms[i % 4]), 0);
            result blocked = run(&t, (eki_mode)mode, false);
            assert_int_equal(blocked_steps(&t, norms[i % 4]), 2);
            assert_int_equal(blocked_steps(&t, "Sum"), 1);
            if (channels[i / 4] == 16) assert_int_equal(blocked_steps(&t, "Concat"), 1);
            expect_equal(&plain, &blocked, norms[i % 4], channels[i / 4]);
            free(plain.data);
            free(blocked.data);
            op_end(&t);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(blocked_equals_plain),
                                       cmocka_unit_test(per_channel_stays_blocked),
                                       cmocka_unit_test(channels_in_every_layout)};
    return cmocka_run_group_tests_name("op_layout", tests, NULL, NULL);
}
