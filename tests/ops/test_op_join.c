/* Is what a Concat joins written straight into the result, at one example, in any layout that lets it? And does a graph
 * of joins, sums and functions in place, drawn at random, give the bits that it gives where every result is kept? */
#include "base/random.h"
#include "graph/plan.h"
#include "op_harness.h"

#include <string.h>

enum { ROOM = 1 << 16, VALUES = 24 };

static eki_value *conv(op_test *t, eki_value *x, int64_t c, int64_t o) {
    return NODE(t, "Conv", 1, x, op_param(t, SHAPE(o, c, 1, 1), NULL))->out[0];
}

static eki_value *join(op_test *t, eki_value *a, eki_value *b) {
    eki_node *node = NODE(t, "Concat", 1, a, b);
    op_set_int(t, node, "axis", 1);
    return node->out[0];
}

/* How many inputs of how many Concats lie in the result. */
static void count_joined(const op_test *t, size_t *joined, size_t *all) {
    const eki_plan_private *p = eki_exec_plan(t->exec)->private_data;
    *joined = *all = 0;
    for (size_t s = 0; s < p->n_steps; s++) {
        const eki_step *step = &p->steps[s]->step;
        const char *y = step->out[0].data;
        if (strcmp(step->op->name, "Concat") != 0) continue;
        for (int k = 0; k < step->n_in; k++) {
            const char *x = step->in[k].data;
            *joined += x >= y && x < y + eki_view_elements(&step->out[0]) * sizeof(float);
        }
        *all += (size_t)step->n_in;
    }
}

static void expect_joined(int64_t n, bool plain, int64_t c, size_t wanted) {
    op_test t;
    size_t joined, all;
    op_begin(&t, 13);
    t.forward_only = true;
    t.options.plain = plain;
    eki_value *x = op_input(&t, SHAPE(n, 3, 8, 8), NULL);
    eki_value *y = conv(&t, x, 3, c), *z = conv(&t, x, 3, c);
    y = join(&t, y, z);
    y = join(&t, y, conv(&t, y, 2 * c, c)); /* parts of parts */
    op_output(&t, conv(&t, y, 3 * c, 5));
    op_run(&t, EKI_MODE_INFERENCE);
    count_joined(&t, &joined, &all);
    assert_int_equal(all, 4);
    assert_int_equal(joined, wanted);
    op_end(&t);
}

static void in_place(void **state) {
    (void)state;
    expect_joined(1, false, 16, 4);
    expect_joined(1, true, 16, 4);
    expect_joined(1, true, 5, 4);
    expect_joined(2, false, 16, 0);
    expect_joined(2, true, 16, 0);
}

typedef struct drawn {
    eki_value *value;
    int64_t channels;
} drawn;

static uint32_t draw(eki_random *random, uint64_t *at, uint32_t below) {
    uint32_t words[4];
    eki_random_block(*random, (*at)++, words);
    return words[0] % below;
}

/* Unary functions may run in place, sums too; joins read what was made before, also twice. */
static eki_value *build(op_test *t, uint64_t seed, bool kept) {
    static const char *const unary[] = {"Relu", "Neg", "Sigmoid", "Identity", "Abs"};
    eki_random random = eki_random_stream(seed, "joins", 0, 0);
    uint64_t at = 0;
    drawn all[VALUES];
    eki_value *x = op_input(t, SHAPE(1, 3, 4, 4), NULL);
    for (size_t i = 0; i < VALUES; i++) {
        uint32_t what = i < 2 ? 0 : draw(&random, &at, 8);
        const drawn *a = &all[i > 0 ? i - 1 - draw(&random, &at, i < 4 ? (uint32_t)i : 4) : 0];
        const drawn *b = &all[i > 0 ? draw(&random, &at, (uint32_t)i) : 0];
        if (what == 0) {
            all[i] = (drawn){conv(t, x, 3, 16), 16};
        } else if (what < 4 && a->channels + b->channels <= 256) {
            all[i] = (drawn){join(t, a->value, b->value), a->channels + b->channels};
        } else if (what == 4 && a->channels == b->channels) {
            all[i] = (drawn){NODE(t, "Add", 1, a->value, b->value)->out[0], a->channels};
        } else {
            all[i] = (drawn){NODE(t, unary[draw(&random, &at, 5)], 1, a->value)->out[0], a->channels};
        }
    }
    op_output(t, all[VALUES - 1].value);
    for (size_t i = 0; i + 1 < VALUES && kept; i++) op_output(t, all[i].value);
    return all[VALUES - 1].value;
}

static size_t run(uint64_t seed, bool kept, float *y, size_t *joined) {
    op_test t;
    size_t count, all;
    op_begin(&t, 13);
    t.forward_only = true;
    (void)build(&t, seed, kept);
    op_run(&t, EKI_MODE_INFERENCE);
    const float *result = op_result(&t, 0, &count);
    memcpy(y, result, count * sizeof *y);
    count_joined(&t, joined, &all);
    op_end(&t);
    return count;
}

static void random_graphs(void **state) {
    (void)state;
    static float y[ROOM], kept[ROOM];
    size_t seen = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        size_t joined, none, count = run(seed, false, y, &joined);
        assert_int_equal(run(seed, true, kept, &none), count);
        if (memcmp(y, kept, count * sizeof *y) != 0) fail_msg("seed %d differs", (int)seed);
        seen += joined;
    }
    assert_true(seen > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_place), cmocka_unit_test(random_graphs)};
    return cmocka_run_group_tests_name("op_join", tests, NULL, NULL);
}
