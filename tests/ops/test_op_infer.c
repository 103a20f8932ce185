/* Do symbolic dimensions survive shape inference where the arithmetic allows, and are shape computations folded? */
#include "op_harness.h"

#include <string.h>

static int64_t symbol(op_test *t, const char *name) {
    int64_t dim = 0;
    assert_int_equal(eki_graph_symbol(t->graph, name, &dim, &t->err), EK_OK);
    return dim;
}

/* An input [N, 3, 4] with a symbolic first dimension. */
static eki_value *symbolic_input(op_test *t) {
    eki_value *x = op_input(t, SHAPE(1, 3, 4), NULL);
    x->shape.dims[0] = symbol(t, "N");
    return x;
}

static void dimensions_pass_through(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 14);
    op_check_shape(&t, NODE(&t, "Relu", 1, symbolic_input(&t))->out[0], "[N,3,4]");
    op_begin(&t, 14);
    eki_value *x = symbolic_input(&t);
    op_check_shape(&t, NODE(&t, "Add", 1, x, op_param(&t, SHAPE(3, 1), NULL))->out[0], "[N,3,4]");
    op_begin(&t, 14);
    op_check_shape(&t, NODE(&t, "Transpose", 1, symbolic_input(&t))->out[0], "[4,3,N]");
    op_begin(&t, 14);
    op_check_shape(&t, NODE(&t, "Flatten", 1, symbolic_input(&t))->out[0], "[N,12]");
    op_begin(&t, 14);
    x = symbolic_input(&t);
    eki_node *node = NODE(&t, "Concat", 1, x, x);
    eki_node_set_int(t.graph, node, "axis", 1, NULL);
    op_check_shape(&t, node->out[0], "[N,6,4]");
    op_begin(&t, 13);
    node = NODE(&t, "ReduceSum", 1, symbolic_input(&t), op_ints(&t, SHAPE(1), I(2)));
    eki_node_set_int(t.graph, node, "keepdims", 0, NULL);
    op_check_shape(&t, node->out[0], "[N,3]");
}

static void reshape_solves_symbols(void **state) {
    (void)state;
    static const struct {
        int64_t target[2];
        const char *shape;
    } cases[] = {{{0, -1}, "[N,12]"}, {{-1, 12}, "[N,12]"}, {{0, 12}, "[N,12]"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        op_test t;
        op_begin(&t, 14);
        eki_value *x = symbolic_input(&t);
        op_check_shape(&t, NODE(&t, "Reshape", 1, x, op_ints(&t, SHAPE(2), cases[i].target))->out[0], cases[i].shape);
    }
}

/* Shape -> Gather -> Unsqueeze -> Concat -> Reshape, as exporters write a flatten: known once the batch is. */
static void shape_arithmetic_is_folded(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_value *x = symbolic_input(&t);
    eki_node *shape = NODE(&t, "Shape", 1, x);
    eki_node *batch = NODE(&t, "Gather", 1, shape->out[0], op_ints(&t, SCALAR, I(0)));
    eki_node *list = NODE(&t, "Unsqueeze", 1, batch->out[0], op_ints(&t, SHAPE(1), I(0)));
    eki_node *target = NODE(&t, "Concat", 1, list->out[0], op_ints(&t, SHAPE(1), I(-1)));
    eki_node_set_int(t.graph, target, "axis", 0, NULL);
    eki_node *y = NODE(&t, "Reshape", 1, x, target->out[0]);
    eki_shape concrete = SHAPE(5, 3, 4);
    assert_int_equal(eki_graph_infer(t.graph, NULL, &t.err), EK_OK);
    assert_int_equal(y->out[0]->shape.rank, 2);
    assert_int_equal(eki_graph_infer(t.graph, &concrete, &t.err), EK_OK);
    char text[192];
    assert_string_equal(eki_shape_text(t.graph, &y->out[0]->shape, text), "[5,12]");
    op_run(&t, EKI_MODE_FILE);
    op_expect(&t, 0, t.feed[0], 12, 0);
    op_end(&t);
}

static void slices_of_shapes(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_node *shape = NODE(&t, "Shape", 1, op_input(&t, SHAPE(2, 3, 4), NULL));
    NODE(&t, "Slice", 1, shape->out[0], op_ints(&t, SHAPE(1), I(1)), op_ints(&t, SHAPE(1), I(3)));
    eki_node *made = NODE(&t, "ConstantOfShape", 1, t.graph->nodes[1]->out[0]);
    op_check_shape(&t, made->out[0], "[3,4]");
}

/* What training may change is not a constant. */
static void parameters_are_not_folded(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_value *p = op_param(&t, SHAPE(2, 3), NULL);
    eki_node *node = NODE(&t, "Transpose", 1, p);
    NODE(&t, "Mul", 1, op_input(&t, SHAPE(3, 2), NULL), node->out[0]);
    op_run(&t, EKI_MODE_TRAINING);
    float before = op_result(&t, 0, NULL)[0];
    ((float *)p->init->data)[0] *= 2.0f;
    op_forward(&t);
    assert_true(op_result(&t, 0, NULL)[0] == 2.0f * before);
    assert_true(op_gradient_error(&t) < 1e-4);
    op_end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dimensions_pass_through),    cmocka_unit_test(reshape_solves_symbols),
        cmocka_unit_test(shape_arithmetic_is_folded), cmocka_unit_test(slices_of_shapes),
        cmocka_unit_test(parameters_are_not_folded),
    };
    return cmocka_run_group_tests_name("op_infer", tests, NULL, NULL);
}
