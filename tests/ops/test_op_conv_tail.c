/* Does a convolution without gradients take in the function behind it, as exporters write it, and give what two steps
 * give? And does it leave alone what only looks so? */
#include "graph/plan.h"
#include "op_harness.h"

#include <math.h>
#include <string.h>

enum { MOST = 2 * 20 * 5 * 6 };
#define SCALAR ((eki_shape){.rank = 0})

typedef eki_value *(*behind)(op_test *t, eki_value *x);

typedef struct spelling {
    const char *name;
    behind write;
    int64_t opset;
    size_t steps; /* that are left of it */
} spelling;

static eki_value *one(op_test *t, const char *op, eki_value *x) { return NODE(t, op, 1, x)->out[0]; }

static eki_value *relu(op_test *t, eki_value *x) { return one(t, "Relu", x); }
static eki_value *leaky(op_test *t, eki_value *x) { return one(t, "LeakyRelu", x); }
static eki_value *hard_swish(op_test *t, eki_value *x) { return one(t, "HardSwish", x); }
static eki_value *tangent(op_test *t, eki_value *x) { return one(t, "Tanh", x); }

static eki_value *clip_between(op_test *t, eki_value *x, float low, float high) {
    return NODE(t, "Clip", 1, x, op_param(t, SCALAR, &low), op_param(t, SCALAR, &high))->out[0];
}
static eki_value *relu6(op_test *t, eki_value *x) { return clip_between(t, x, 0, 6); }
static eki_value *clip_above(op_test *t, eki_value *x) { return clip_between(t, x, 0.25f, 6); }
static eki_value *clip_by_attributes(op_test *t, eki_value *x) {
    eki_node *node = NODE(t, "Clip", 1, x);
    op_set_float(t, node, "min", -0.5f);
    op_set_float(t, node, "max", 0.75f);
    return node->out[0];
}
static eki_value *clip_by_computed(op_test *t, eki_value *x) {
    eki_value *most = NODE(t, "ReduceMax", 1, one(t, "Abs", x))->out[0];
    op_set_int(t, t->graph->nodes[t->graph->n_nodes - 1], "keepdims", 0);
    return NODE(t, "Clip", 1, x, NULL, most)->out[0];
}

static eki_value *swish(op_test *t, eki_value *x) { return NODE(t, "Mul", 1, x, one(t, "Sigmoid", x))->out[0]; }
static eki_value *swish_swapped(op_test *t, eki_value *x) { return NODE(t, "Mul", 1, one(t, "Sigmoid", x), x)->out[0]; }
static eki_value *square(op_test *t, eki_value *x) { return NODE(t, "Mul", 1, x, x)->out[0]; }
static eki_value *swish_of_half(op_test *t, eki_value *x) {
    eki_value *half = NODE(t, "Mul", 1, x, op_param(t, SCALAR, F(0.5f)))->out[0];
    return NODE(t, "Mul", 1, x, one(t, "Sigmoid", half))->out[0];
}
static eki_value *swish_plus_gate(op_test *t, eki_value *x) {
    eki_value *gate = one(t, "Sigmoid", x);
    return NODE(t, "Add", 1, NODE(t, "Mul", 1, x, gate)->out[0], gate)->out[0];
}
static eki_value *swish_plus_x(op_test *t, eki_value *x) {
    return NODE(t, "Add", 1, NODE(t, "Mul", 1, x, one(t, "Sigmoid", x))->out[0], x)->out[0];
}
static eki_value *gated_by_tanh(op_test *t, eki_value *x) { return NODE(t, "Mul", 1, x, one(t, "Tanh", x))->out[0]; }

static eki_value *hard(op_test *t, eki_value *x, float alpha) {
    eki_node *gate = NODE(t, "HardSigmoid", 1, x);
    op_set_float(t, gate, "alpha", alpha);
    return NODE(t, "Mul", 1, gate->out[0], x)->out[0];
}
static eki_value *hard_gate(op_test *t, eki_value *x) { return hard(t, x, 1.0f / 6.0f); }
static eki_value *other_gate(op_test *t, eki_value *x) { return hard(t, x, 0.2f); }

static eki_value *add_and_swish(op_test *t, eki_value *x) {
    return swish(t, NODE(t, "Add", 1, x, t->graph->inputs[1])->out[0]);
}

static const spelling spellings[] = {{"Relu", relu, 14, 0},
                                     {"LeakyRelu", leaky, 14, 0},
                                     {"HardSwish", hard_swish, 14, 0},
                                     {"Clip 0 6", relu6, 14, 0},
                                     {"Clip by attributes", clip_by_attributes, 6, 0},
                                     {"x Sigmoid(x)", swish, 14, 0},
                                     {"Sigmoid(x) x", swish_swapped, 14, 0},
                                     {"x HardSigmoid(x)", hard_gate, 14, 0},
                                     {"addition and swish", add_and_swish, 14, 0},
                                     {"Tanh", tangent, 14, 1},
                                     {"Clip 0.25 6", clip_above, 14, 1},
                                     {"Clip to what is computed", clip_by_computed, 14, 3},
                                     {"x x", square, 14, 1},
                                     {"x Sigmoid(x / 2)", swish_of_half, 14, 3},
                                     {"the gate is read elsewhere", swish_plus_gate, 14, 3},
                                     {"x is read elsewhere", swish_plus_x, 14, 3},
                                     {"x Tanh(x)", gated_by_tanh, 14, 2},
                                     {"x HardSigmoid(x), 0.2", other_gate, 14, 2}};

typedef struct outcome {
    size_t steps, count;
    float y[MOST];
} outcome;

/* With `apart` what the convolution makes is an output, too. */
static void run(const spelling *s, int64_t channels, bool apart, outcome *result) {
    op_test t;
    op_begin(&t, s->opset);
    t.forward_only = true;
    eki_value *x = op_input(&t, SHAPE(2, channels, 5, 6), NULL);
    (void)op_input(&t, SHAPE(2, channels, 5, 6), NULL);
    eki_value *w = op_param(&t, SHAPE(channels, channels, 1, 1), NULL);
    eki_value *between = NODE(&t, "Conv", 1, x, w)->out[0], *last = s->write(&t, between);
    op_output(&t, last);
    if (apart) op_output(&t, between);
    op_run(&t, EKI_MODE_INFERENCE);
    const float *y = op_result(&t, 0, &result->count);
    memcpy(result->y, y, result->count * sizeof *y);
    const eki_plan_private *p = eki_exec_plan(t.exec)->private_data;
    result->steps = 0; /* all but the convolution and changes of layout */
    for (size_t i = 0; i < p->n_steps; i++) {
        const eki_node *node = p->steps[i]->step.node;
        result->steps += node != NULL && node->op != EKI_OP_Conv;
    }
    op_end(&t);
}

static void taken_in(void **state) {
    (void)state;
    static outcome together, apart;
    static const int64_t channels[] = {16, 20, 3};
    for (size_t i = 0; i < COUNT(spellings) * COUNT(channels); i++) {
        const spelling *s = &spellings[i / COUNT(channels)];
        run(s, channels[i % COUNT(channels)], false, &together);
        run(s, channels[i % COUNT(channels)], true, &apart);
        if (together.steps != s->steps) fail_msg("%s: %zu steps, not %zu", s->name, together.steps, s->steps);
        assert_int_equal(together.count, apart.count);
        for (size_t k = 0; k < apart.count; k++) {
            if (fabsf(together.y[k] - apart.y[k]) <= 1e-6f * fmaxf(1.0f, fabsf(apart.y[k]))) continue;
            fail_msg("%s: %.9g, apart %.9g", s->name, (double)together.y[k], (double)apart.y[k]);
        }
    }
}

/* In training the function has a step of its own, whose backward runs. */
static void not_in_training(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 14);
    t.options.backward = true;
    eki_value *x = op_input(&t, SHAPE(2, 4, 3, 3), NULL), *w = op_param(&t, SHAPE(4, 4, 1, 1), NULL);
    op_output(&t, swish(&t, NODE(&t, "Conv", 1, x, w)->out[0]));
    op_run(&t, EKI_MODE_TRAINING);
    assert_true(eki_exec_plan(t.exec)->private_data->n_steps >= 3);
    op_end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(taken_in), cmocka_unit_test(not_in_training)};
    return cmocka_run_group_tests_name("op_conv_tail", tests, NULL, NULL);
}
