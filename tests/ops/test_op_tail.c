/* Does a norm that takes in the residual add and the ReLU behind it give what three operators give, bit for bit,
 * forward and backward? And does it leave them alone where somebody else reads what lies between? */
#include "graph/plan.h"
#include "op_harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ELEMENTS = 4 * 6 * 3 * 3 };

typedef struct shape_case {
    const char *norm;
    bool add, relu;
    int early; /* 1: the residual is the norm's own input; 0: it is computed before; -1: after the norm */
} shape_case;

typedef struct outcome {
    size_t steps, count;
    float y[ELEMENTS], gradients[3][ELEMENTS];
} outcome;

static eki_value *norm_of(op_test *t, const char *norm, eki_value *x) {
    eki_value *scale = op_param(t, SHAPE(6), NULL), *bias = op_param(t, SHAPE(6), NULL);
    eki_value *mean = op_param(t, SHAPE(6), F(0, 0.5f, -0.5f, 1, 0, 0)),
              *var = op_param(t, SHAPE(6), F(1, 2, 3, 1, 2, 1));
    if (strcmp(norm, "BatchNormalization") == 0) return NODE(t, norm, 1, x, scale, bias, mean, var)->out[0];
    if (strcmp(norm, "LayerNormalization") == 0) {
        scale = op_param(t, SHAPE(6, 1, 1), NULL), bias = op_param(t, SHAPE(6, 1, 1), NULL);
    }
    eki_node *node = NODE(t, norm, 1, x, scale, bias);
    op_set_int(t, node, "num_groups", 3);
    if (strcmp(norm, "LayerNormalization") == 0) op_set_int(t, node, "axis", 1);
    return node->out[0];
}

static eki_value *build(op_test *t, const shape_case *c) {
    eki_value *x = op_input(t, SHAPE(4, 6, 3, 3), NULL), *other = op_input(t, SHAPE(4, 6, 3, 3), NULL);
    eki_value *residual = c->early > 0 ? x : other;
    if (c->early == 0) residual = NODE(t, "Mul", 1, x, other)->out[0];
    eki_value *between = norm_of(t, c->norm, x);
    if (c->early < 0) residual = NODE(t, "Mul", 1, x, other)->out[0];
    if (c->add) NODE(t, "Add", 1, residual, between);
    if (c->relu) NODE(t, "Relu", 1, t->graph->nodes[t->graph->n_nodes - 1]->out[0]);
    return between;
}

/* With `apart` the norm's own result is an output too, so that nothing can be taken in. */
static void run(const shape_case *c, bool apart, outcome *result) {
    op_test t;
    op_begin(&t, 21);
    t.options.backward = t.options.input_gradient = true;
    eki_value *between = build(&t, c), *last = t.graph->nodes[t.graph->n_nodes - 1]->out[0];
    op_output(&t, last);
    if (apart && between != last) op_output(&t, between);
    op_run(&t, EKI_MODE_TRAINING);
    memcpy(result->y, op_result(&t, 0, &result->count), sizeof result->y);
    result->steps = eki_exec_plan(t.exec)->private_data->n_steps;
    float *dy = eki_exec_output_gradient(t.exec, 0);
    for (size_t i = 0; i < ELEMENTS; i++) dy[i] = op_grid_value(7, i);
    op_ok(&t, eki_exec_backward(t.exec, &t.err));
    memset(result->gradients, 0, sizeof result->gradients);
    memcpy(result->gradients[0], eki_exec_input_gradient(t.exec, 0), sizeof result->y);
    if (c->add && c->early <= 0) memcpy(result->gradients[1], eki_exec_input_gradient(t.exec, 1), sizeof result->y);
    for (size_t i = 0; i < eki_exec_parameter_count(t.exec); i++) {
        const eki_parameter *p = eki_exec_parameter(t.exec, i);
        memcpy(result->gradients[2] + 6 * i, p->gradient, p->count * sizeof(float));
    }
    op_end(&t);
}

static void check(const shape_case *c, size_t saved) {
    static outcome together, apart;
    run(c, false, &together);
    run(c, true, &apart);
    if (together.steps + saved != apart.steps) {
        fail_msg("%s add %d relu %d early %d: %zu steps, apart %zu", c->norm, c->add, c->relu, c->early, together.steps,
                 apart.steps);
    }
    assert_memory_equal(together.y, apart.y, sizeof together.y);
    assert_memory_equal(together.gradients, apart.gradients, sizeof together.gradients);
}

static void same_bits(void **state) {
    (void)state;
    static const char *const norms[] = {"BatchNormalization", "InstanceNormalization", "GroupNormalization",
                                        "LayerNormalization"};
    for (size_t i = 0; i < COUNT(norms); i++) {
        for (int early = 0; early <= 1; early++) {
            check(&(shape_case){norms[i], true, true, early}, 2);
            check(&(shape_case){norms[i], true, false, early}, 1);
        }
        check(&(shape_case){norms[i], false, true, 1}, 1);
    }
}

/* A residual that is computed later cannot be taken in, and neither can the ReLU behind it. */
static void late_residual(void **state) {
    (void)state;
    check(&(shape_case){"BatchNormalization", true, true, -1}, 0);
}

/* Two norms that meet: the later one takes the addition. */
static void two_norms_meet(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 21);
    eki_value *x = op_input(&t, SHAPE(4, 6, 3, 3), NULL);
    eki_value *a = norm_of(&t, "BatchNormalization", x), *b = norm_of(&t, "BatchNormalization", x);
    NODE(&t, "Relu", 1, NODE(&t, "Add", 1, a, b)->out[0]);
    op_run(&t, EKI_MODE_INFERENCE);
    assert_int_equal(eki_exec_plan(t.exec)->private_data->n_steps, 2);
    op_end(&t);
}

/* A broadcast addition is none of a residual. */
static void broadcast_stays(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 21);
    eki_value *x = op_input(&t, SHAPE(4, 6, 3, 3), NULL), *row = op_input(&t, SHAPE(1, 6, 1, 1), NULL);
    NODE(&t, "Add", 1, norm_of(&t, "BatchNormalization", x), row);
    op_run(&t, EKI_MODE_INFERENCE);
    assert_int_equal(eki_exec_plan(t.exec)->private_data->n_steps, 2);
    op_end(&t);
}

/* NaN goes through. */
static void nan_stays(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 21);
    eki_value *x = op_input(&t, SHAPE(4, 6, 3, 3), NULL);
    NODE(&t, "Relu", 1, norm_of(&t, "BatchNormalization", x));
    t.feed[0][5] = (float)strtod("nan", NULL);
    op_run(&t, EKI_MODE_INFERENCE);
    const float *y = op_result(&t, 0, NULL);
    assert_true(y[5] != y[5] && y[4] >= 0.0f);
    op_end(&t);
}

/* A convolution takes in residual and ReLU, with the bits of steps of their own, where no gradient is asked for. */
static size_t conv_steps(bool backward, bool apart, eki_mode mode, float y[ELEMENTS]) {
    op_test t;
    size_t count;
    op_begin(&t, 21);
    t.forward_only = !backward;
    eki_value *x = op_input(&t, SHAPE(4, 6, 3, 3), NULL), *w = op_param(&t, SHAPE(6, 6, 1, 1), NULL);
    eki_value *conv = NODE(&t, "Conv", 1, x, w, op_param(&t, SHAPE(6), NULL))->out[0];
    eki_value *last = NODE(&t, "Relu", 1, NODE(&t, "Sum", 1, x, conv)->out[0])->out[0];
    op_output(&t, last);
    if (apart) op_output(&t, conv);
    t.feed[0][5] = (float)strtod("nan", NULL);
    op_run(&t, mode);
    memcpy(y, op_result(&t, 0, &count), ELEMENTS * sizeof *y);
    size_t steps = eki_exec_plan(t.exec)->private_data->n_steps;
    assert_true(y[5] != y[5]);
    op_end(&t);
    return steps;
}

static void conv_takes_the_tail(void **state) {
    (void)state;
    static float together[ELEMENTS], apart[ELEMENTS];
    size_t fewer = conv_steps(false, false, EKI_MODE_INFERENCE, together);
    assert_int_equal(conv_steps(false, true, EKI_MODE_INFERENCE, apart), fewer + 2); /* and no change of layout */
    assert_memory_equal(together, apart, sizeof together);
    assert_true(conv_steps(false, false, EKI_MODE_TRAINING, apart) > fewer);
    assert_true(conv_steps(true, false, EKI_MODE_FILE, apart) > fewer);
}

enum { LAYERS = 60, WIDE = 2 * 4 * 3 * 3 };

/* `LAYERS` times a 1x1 convolution and a ReLU; `apart`: every result is an output, so that nothing is taken in. */
static void build_chain(op_test *t, float weight, bool apart) {
    eki_value *at = op_input(t, SHAPE(2, 4, 3, 3), NULL);
    eki_value *convs[LAYERS];
    for (int i = 0; i < LAYERS; i++) {
        float w[16];
        for (int k = 0; k < 16; k++)
            w[k] = __builtin_parity((unsigned)(k / 4 & k % 4)) ? -weight : weight; /* Hadamard's */
        convs[i] = NODE(t, "Conv", 1, at, op_param(t, SHAPE(4, 4, 1, 1), w))->out[0];
        at = NODE(t, "Relu", 1, convs[i])->out[0];
    }
    op_output(t, at);
    for (int i = 0; i < LAYERS && apart; i++) op_output(t, convs[i]);
}

static void run_chain(float weight, float scale, bool apart, float y[WIDE], double *bound) {
    op_test t;
    size_t count;
    op_begin(&t, 21);
    t.forward_only = true;
    build_chain(&t, weight, apart);
    for (size_t i = 0; i < WIDE; i++) t.feed[0][i] = scale * op_grid_value(3, i);
    op_run(&t, EKI_MODE_INFERENCE);
    memcpy(y, op_result(&t, 0, &count), WIDE * sizeof *y);
    assert_int_equal(count, WIDE);
    const eki_plan_private *p = eki_exec_plan(t.exec)->private_data;
    *bound = 0.0;
    for (size_t i = 0; i < p->n_steps; i++) {
        double own = *p->steps[i]->step.out[0].bound;
        if (strcmp(p->steps[i]->step.op->name, "Conv") == 0 && own > *bound) *bound = own;
    }
    op_end(&t);
}

/* Sums that overflow to both sides are NaN, which a ReLU within the primitive would make 0. */
static void overflow_stays_nan(void **state) {
    (void)state;
    static float together[WIDE], apart[WIDE];
    double bound;
    run_chain(1e20f, 1e17f, false, together, &bound);
    run_chain(1e20f, 1e17f, true, apart, &bound);
    size_t seen = 0;
    for (size_t i = 0; i < WIDE; i++) {
        seen += apart[i] != apart[i];
        assert_true(apart[i] != apart[i] ? together[i] != together[i] : together[i] == apart[i]);
    }
    assert_true(seen > 0);
}

/* Bounds grow fivefold in each layer, the numbers do not: they are measured before bounds leave the range. */
static void bounds_hold(void **state) {
    (void)state;
    static float together[WIDE], apart[WIDE];
    double bound, ignored;
    run_chain(1.0f, 1.0f, false, together, &bound);
    run_chain(1.0f, 1.0f, true, apart, &ignored);
    assert_memory_equal(together, apart, sizeof together);
    assert_true(bound > 1e20 && bound < 1e37);
    for (size_t i = 0; i < WIDE; i++) assert_true((double)together[i] <= bound);
}

/* Maxima of what a convolution gives: where its bound is known nothing is looked for, and -infinity and NaN stay. */
static void pooled(float scale, float y[18], bool *known) {
    op_test t;
    size_t count;
    op_begin(&t, 21);
    t.forward_only = true;
    eki_value *x = op_input(&t, SHAPE(1, 2, 6, 6), NULL);
    eki_value *same = NODE(&t, "Conv", 1, x, op_param(&t, SHAPE(2, 2, 1, 1), F(1, 0, 0, 1)))->out[0];
    eki_value *w = op_param(&t, SHAPE(2, 2, 1, 1), F(-1e20f, -1e20f, 1e20f, -1e20f));
    eki_value *conv = NODE(&t, "Conv", 1, NODE(&t, "Relu", 1, same)->out[0], w)->out[0];
    eki_node *pool = NODE(&t, "MaxPool", 1, conv);
    op_set_ints(&t, pool, "kernel_shape", (const int64_t[]){2, 2}, 2);
    op_set_ints(&t, pool, "strides", (const int64_t[]){2, 2}, 2);
    for (size_t i = 0; i < 72; i++) t.feed[0][i] = scale * (1.0f + (float)(i % 5));
    if (scale > 1.0f) t.feed[0][0] = NAN;
    op_run(&t, EKI_MODE_INFERENCE);
    memcpy(y, op_result(&t, 0, &count), 18 * sizeof *y);
    assert_int_equal(count, 18);
    const eki_plan_private *p = eki_exec_plan(t.exec)->private_data;
    *known = *p->steps[p->n_steps - 1]->step.out[0].bound < INFINITY;
    op_end(&t);
}

static void maxima_of_a_bounded_tensor(void **state) {
    (void)state;
    float y[18];
    bool known;
    pooled(1.0f, y, &known);
    assert_true(known);
    for (size_t i = 0; i < 9; i++) assert_true(y[i] <= -2e20f && y[i] >= -1e21f);
    pooled(1e20f, y, &known);
    assert_false(known);
    assert_true(isnan(y[0]) && isnan(y[9]));
    for (size_t i = 1; i < 9; i++) assert_true(y[i] == -INFINITY && y[9 + i] == INFINITY);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bits),
                                       cmocka_unit_test(late_residual),
                                       cmocka_unit_test(two_norms_meet),
                                       cmocka_unit_test(broadcast_stays),
                                       cmocka_unit_test(nan_stays),
                                       cmocka_unit_test(conv_takes_the_tail),
                                       cmocka_unit_test(overflow_stays_nan),
                                       cmocka_unit_test(bounds_hold),
                                       cmocka_unit_test(maxima_of_a_bounded_tensor)};
    return cmocka_run_group_tests_name("op_tail", tests, NULL, NULL);
}
