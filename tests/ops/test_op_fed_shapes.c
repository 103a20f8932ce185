/* Do shapes follow numbers that are fed: a target, an axis, a scale, through shape arithmetic? And is a plan made anew
 * only for other numbers of lists, and only where shapes depend on them?
 */
#include "op_harness.h"

#include <string.h>

static eki_value *fed_list(op_test *t, const char *name, int64_t length) {
    eki_value *value;
    op_ok(t, eki_graph_value(t->graph, name, &value, &t->err));
    value->dtype = EK_I64;
    value->shape = length == 0 ? SCALAR : SHAPE(length);
    op_ok(t, eki_graph_add_input(t->graph, value, &t->err));
    return value;
}

/* Input 0 is x, input 1 the list. */
static ek_status give(op_test *t, eki_shape list, const int64_t *numbers) {
    const eki_shape shapes[] = {t->shapes[0], list};
    const void *const data[] = {t->feed[0], numbers};
    EKI_TRY(eki_exec_prepare_for(t->exec, shapes, data, &t->err));
    memcpy(eki_exec_input(t->exec, 0).data, t->feed[0], t->counts[0] * sizeof(float));
    memcpy(eki_exec_input(t->exec, 1).data, numbers, (size_t)(list.rank == 0 ? 1 : list.dims[0]) * sizeof *numbers);
    return eki_exec_forward(t->exec, &t->err);
}

static void start(op_test *t, const eki_node *last) {
    op_output(t, last->out[0]);
    op_ok(t, eki_exec_create(t->graph, &t->options, &t->exec, &t->err));
}

static void targets(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 14);
    eki_value *x = op_input(&t, SHAPE(2, 3), F(1, 2, 3, 4, 5, 6));
    start(&t, NODE(&t, "Reshape", 1, x, fed_list(&t, "target", 2)));
    op_ok(&t, give(&t, SHAPE(2), I(3, 2)));
    op_expect_shape(&t, 0, SHAPE(3, 2));
    const eki_plan *first = eki_exec_plan(t.exec);
    op_ok(&t, give(&t, SHAPE(2), I(1, -1)));
    op_expect_shape(&t, 0, SHAPE(1, 6));
    assert_ptr_not_equal(eki_exec_plan(t.exec), first);
    op_ok(&t, give(&t, SHAPE(2), I(3, 2)));
    assert_ptr_equal(eki_exec_plan(t.exec), first); /* it was kept */
    op_expect(&t, 0, F(1, 2, 3, 4, 5, 6), 6, 0);
    assert_int_equal(give(&t, SHAPE(2), I(4, 2)), EK_ERR_SHAPE);
    assert_non_null(strstr(t.err.text, "Reshape"));
    op_ok(&t, give(&t, SHAPE(2), I(6, 1)));
    op_expect_shape(&t, 0, SHAPE(6, 1));
    op_end(&t);
}

/* The numbers go through arithmetic and a Concat before they are a shape. */
static void arithmetic(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 14);
    eki_value *x = op_input(&t, SHAPE(1, 3), F(1, 2, 3));
    eki_value *twice = NODE(&t, "Mul", 1, fed_list(&t, "rows", 1), op_ints(&t, SHAPE(1), I(2)))->out[0];
    eki_node *shape = NODE(&t, "Concat", 1, twice, op_ints(&t, SHAPE(1), I(3)));
    op_set_int(&t, shape, "axis", 0);
    start(&t, NODE(&t, "Expand", 1, x, shape->out[0]));
    op_ok(&t, give(&t, SHAPE(1), I(1)));
    op_expect(&t, 0, F(1, 2, 3, 1, 2, 3), 6, 0);
    op_ok(&t, give(&t, SHAPE(1), I(2)));
    op_expect_shape(&t, 0, SHAPE(4, 3));
    op_end(&t);
}

/* Indices of a Gather are numbers too, and no shape: one plan is enough. */
static void numbers_alone(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_value *x = op_input(&t, SHAPE(4), F(1, 2, 3, 4));
    start(&t, NODE(&t, "Gather", 1, x, fed_list(&t, "indices", 2)));
    op_ok(&t, give(&t, SHAPE(2), I(3, 0)));
    op_expect(&t, 0, F(4, 1), 2, 0);
    const eki_plan *first = eki_exec_plan(t.exec);
    op_ok(&t, give(&t, SHAPE(2), I(1, 2)));
    op_expect(&t, 0, F(2, 3), 2, 0);
    assert_ptr_equal(eki_exec_plan(t.exec), first);
    op_end(&t);
}

/* Without numbers, and with a list that is too long to be one, the message is as it was. */
static void refusals(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 14);
    eki_value *x = op_input(&t, SHAPE(2, 3), NULL);
    start(&t, NODE(&t, "Reshape", 1, x, fed_list(&t, "target", 2)));
    const eki_shape shapes[] = {t.shapes[0], SHAPE(2)};
    assert_int_equal(eki_exec_prepare(t.exec, shapes, &t.err), EK_ERR_UNSUPPORTED);
    assert_non_null(strstr(t.err.text, "not known before running"));
    op_end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(targets), cmocka_unit_test(arithmetic),
                                       cmocka_unit_test(numbers_alone), cmocka_unit_test(refusals)};
    return cmocka_run_group_tests_name("op_fed_shapes", tests, NULL, NULL);
}
