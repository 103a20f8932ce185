/* Are Reshape, Transpose and Reshape that shuffle channels one step, with the bits of three, forward and backward, in
 * plain layout and between grouped convolutions, whose channels lie last? And do others that look alike stay as they
 * are? */
#include "graph/plan.h"
#include "op_harness.h"

#include <string.h>

enum { MOST = 3 * 48 * 30 };

typedef struct spec {
    int64_t channels, groups, perm[5], back; /* back: channels of the last shape, in extents swapped with the height */
    bool convolutions, backward;
} spec;

typedef struct outcome {
    size_t steps, shuffles, count;
    float y[MOST], dx[MOST];
} outcome;

static eki_value *conv(op_test *t, eki_value *x, int64_t c, int64_t groups, int64_t kernel) {
    eki_node *node = NODE(t, "Conv", 1, x, op_param(t, SHAPE(c, c / groups, kernel, kernel), NULL));
    op_set_int(t, node, "group", groups);
    op_set_ints(t, node, "pads", I(kernel / 2, kernel / 2, kernel / 2, kernel / 2), 4);
    return node->out[0];
}

static eki_value *reshape(op_test *t, eki_value *x, const int64_t *dims, int rank) {
    return NODE(t, "Reshape", 1, x, op_ints(t, SHAPE(rank), dims))->out[0];
}

/* Returns what lies between. */
static eki_value *build(op_test *t, const spec *s) {
    const int64_t c = s->channels, g = s->groups, each = c / g, h = 6, w = 5;
    eki_value *x = op_input(t, SHAPE(3, c, h, w), NULL);
    if (s->convolutions) x = conv(t, x, c, g, 1);
    eki_node *swap = NODE(t, "Transpose", 1, reshape(t, x, I(3, g, each, h, w), 5));
    op_set_ints(t, swap, "perm", s->perm, 5);
    int64_t rows = s->back != 0 ? h / s->back : h, channels = s->back != 0 ? c * s->back : c;
    eki_value *y = reshape(t, swap->out[0], I(3, channels, rows, w), 4);
    if (s->convolutions) y = conv(t, y, c, c, 3);
    op_output(t, y);
    return swap->out[0];
}

static size_t count_shuffles(const op_test *t) {
    const eki_plan_private *p = eki_exec_plan(t->exec)->private_data;
    size_t count = 0;
    for (size_t i = 0; i < p->n_steps; i++) count += strcmp(p->steps[i]->step.op->name, "ChannelShuffle") == 0;
    return count;
}

/* With `apart` what lies between is an output, too. */
static void run(const spec *s, bool apart, int threads, outcome *result) {
    op_test t;
    op_begin(&t, 13);
    t.forward_only = !s->backward;
    t.options.threads = threads;
    t.options.backward = t.options.input_gradient = s->backward;
    eki_value *between = build(&t, s);
    if (apart) op_output(&t, between);
    op_run(&t, s->backward ? EKI_MODE_TRAINING : EKI_MODE_INFERENCE);
    const float *y = op_result(&t, 0, &result->count);
    memcpy(result->y, y, result->count * sizeof *y);
    result->steps = eki_exec_plan(t.exec)->private_data->n_steps;
    result->shuffles = count_shuffles(&t);
    if (s->backward) {
        float *dy = eki_exec_output_gradient(t.exec, 0);
        for (size_t i = 0; i < result->count; i++) dy[i] = op_grid_value(7, i);
        if (apart) memset(eki_exec_output_gradient(t.exec, 1), 0, result->count * sizeof *dy);
        op_ok(&t, eki_exec_backward(t.exec, &t.err));
        memcpy(result->dx, eki_exec_input_gradient(t.exec, 0), result->count * sizeof *dy);
    }
    op_end(&t);
}

static void check(const spec *s) {
    static outcome one, three;
    for (int threads = 1; threads <= 2; threads++) {
        run(s, false, threads, &one);
        run(s, true, threads, &three);
        assert_int_equal(one.shuffles, 1);
        assert_int_equal(three.shuffles, 0);
        assert_memory_equal(one.y, three.y, one.count * sizeof *one.y);
        if (s->backward) assert_memory_equal(one.dx, three.dx, one.count * sizeof *one.dx);
    }
}

static void same_bits(void **state) {
    (void)state;
    static const int64_t cases[][2] = {{12, 2}, {12, 3}, {48, 4}, {40, 8}, {30, 5}, {6, 6}, {7, 1}, {34, 2}, {36, 4}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (int k = 0; k < 3; k++) {
            check(&(spec){.channels = cases[i][0],
                          .groups = cases[i][1],
                          .perm = {0, 2, 1, 3, 4},
                          .convolutions = k > 0,
                          .backward = k != 1});
        }
    }
}

/* Channels lie last from one grouped convolution to the other: nothing is reordered between them. */
static void no_reorder(void **state) {
    (void)state;
    static outcome one;
    run(&(spec){.channels = 36, .groups = 4, .perm = {0, 2, 1, 3, 4}, .convolutions = true}, false, 1, &one);
    assert_int_equal(one.steps, 5); /* in, convolution, shuffle, convolution, out */
}

static void others_stay(void **state) {
    (void)state;
    static outcome other;
    const spec twins[] = {{.channels = 12, .groups = 2, .perm = {0, 1, 2, 3, 4}},
                          {.channels = 12, .groups = 2, .perm = {0, 2, 1, 4, 3}},
                          {.channels = 12, .groups = 3, .perm = {0, 2, 1, 3, 4}, .back = 2}};
    for (size_t i = 0; i < COUNT(twins); i++) {
        run(&twins[i], false, 1, &other);
        assert_int_equal(other.shuffles, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bits), cmocka_unit_test(no_reorder),
                                       cmocka_unit_test(others_stay)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
