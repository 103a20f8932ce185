/* Split, Expand, Tile, Range: values, gradients, and what shape inference knows of them and of their kin. */
#include "op_harness.h"

#include <math.h>

static void split_values(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_node *node =
        NODE(&t, "Split", 2, op_input(&t, SHAPE(2, 3), F(1, 2, 3, 4, 5, 6)), op_ints(&t, SHAPE(2), I(1, 2)));
    op_set_int(&t, node, "axis", 1);
    op_run(&t, EKI_MODE_FILE);
    op_expect(&t, 0, F(1, 4), 2, 0);
    op_expect(&t, 1, F(2, 3, 5, 6), 4, 0);
    op_end(&t);
    op_begin(&t, 18);
    op_set_int(&t, NODE(&t, "Split", 3, op_input(&t, SHAPE(7), F(1, 2, 3, 4, 5, 6, 7))), "num_outputs", 3);
    op_run(&t, EKI_MODE_FILE);
    op_expect(&t, 0, F(1, 2, 3), 3, 0);
    op_expect(&t, 2, F(7), 1, 0);
    op_end(&t);
    op_begin(&t, 11);
    NODE(&t, "Split", 2, op_input(&t, SHAPE(3), NULL));
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_SHAPE, "no 2 equal parts");
    op_end(&t);
    op_begin(&t, 13);
    NODE(&t, "Split", 2, op_input(&t, SHAPE(4), NULL), op_ints(&t, SHAPE(2), I(1, 2)));
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_SHAPE, "add up to 3");
    op_end(&t);
}

/* All parts used, and one left out. */
static void split_gradients(void **state) {
    (void)state;
    for (int unused = 0; unused < 2; unused++) {
        op_test t;
        op_begin(&t, 13);
        eki_node *node = NODE(&t, "Split", 3, op_input(&t, SHAPE(2, 6, 3), NULL));
        op_set_int(&t, node, "axis", 1);
        eki_value *last = node->out[unused ? 1 : 2];
        NODE(&t, "Mul", 1, node->out[0], NODE(&t, "Exp", 1, last)->out[0]);
        op_check_gradient(&t, EKI_MODE_FILE);
    }
}

static void expand_and_tile(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    NODE(&t, "Expand", 1, op_input(&t, SHAPE(2, 1), F(1, 2)), op_ints(&t, SHAPE(3), I(2, 1, 3)));
    op_check(&t, F(1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2), 12);
    op_begin(&t, 13);
    NODE(&t, "Tile", 1, op_input(&t, SHAPE(2, 2), F(1, 2, 3, 4)), op_ints(&t, SHAPE(2), I(2, 2)));
    op_check(&t, F(1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4), 16);
    op_begin(&t, 13);
    NODE(&t, "Expand", 1, op_input(&t, SHAPE(3, 1, 2), NULL), op_ints(&t, SHAPE(4), I(2, 1, 4, 1)));
    op_check_gradient(&t, EKI_MODE_FILE);
    op_begin(&t, 13);
    NODE(&t, "Tile", 1, op_input(&t, SHAPE(3, 4, 2), NULL), op_ints(&t, SHAPE(3), I(2, 1, 3)));
    op_check_gradient(&t, EKI_MODE_FILE);
    op_begin(&t, 13);
    NODE(&t, "Tile", 1, op_input(&t, SHAPE(3), NULL), op_ints(&t, SHAPE(1), I(-2)));
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_FORMAT, "negative");
    op_end(&t);
}

static void range(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 11);
    NODE(&t, "Range", 1, op_ints(&t, SCALAR, I(10)), op_ints(&t, SCALAR, I(1)), op_ints(&t, SCALAR, I(-3)));
    op_run(&t, EKI_MODE_FILE);
    op_expect_ints(&t, 0, I(10, 7, 4), 3);
    op_end(&t);
    op_begin(&t, 11);
    NODE(&t, "Range", 1, op_param(&t, SCALAR, F(1)), op_param(&t, SCALAR, F(2)), op_param(&t, SCALAR, F(0.25f)));
    op_check(&t, F(1, 1.25f, 1.5f, 1.75f), 4);
    op_begin(&t, 11);
    NODE(&t, "Range", 1, op_ints(&t, SCALAR, I(0)), op_ints(&t, SCALAR, I(1)), op_ints(&t, SCALAR, I(0)));
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_FORMAT, "delta is 0");
    op_end(&t);
}

/* An input [N, 6, 4] with a symbolic first dimension. */
static eki_value *symbolic(op_test *t, int64_t opset) {
    op_begin(t, opset);
    eki_value *x = op_input(t, SHAPE(1, 6, 4), NULL);
    op_ok(t, eki_graph_symbol(t->graph, "N", &x->shape.dims[0], &t->err));
    return x;
}

static void symbols_survive(void **state) {
    (void)state;
    op_test t;
    eki_value *x = symbolic(&t, 13);
    eki_node *node = NODE(&t, "Split", 2, x, op_ints(&t, SHAPE(2), I(1, 5)));
    op_set_int(&t, node, "axis", 1);
    op_check_shape(&t, node->out[1], "[N,5,4]");
    x = symbolic(&t, 13);
    op_check_shape(&t, NODE(&t, "Pad", 1, x, op_ints(&t, SHAPE(6), I(0, 1, 0, 0, 1, 2)))->out[0], "[N,8,6]");
    x = symbolic(&t, 13);
    op_check_shape(&t, NODE(&t, "Tile", 1, x, op_ints(&t, SHAPE(3), I(1, 2, 3)))->out[0], "[N,12,12]");
    x = symbolic(&t, 13);
    op_check_shape(&t, NODE(&t, "Expand", 1, x, op_ints(&t, SHAPE(4), I(2, 1, 1, 1)))->out[0], "[2,N,6,4]");
    x = symbolic(&t, 13);
    op_check_shape(&t, NODE(&t, "Resize", 1, x, NULL, op_param(&t, SHAPE(3), F(1, 1, 2)))->out[0], "[N,6,8]");
    x = symbolic(&t, 13);
    op_check_shape(&t, NODE(&t, "ConvTranspose", 1, x, op_param(&t, SHAPE(6, 2, 3), NULL))->out[0], "[N,2,6]");
    x = symbolic(&t, 13);
    op_check_shape(&t, NODE(&t, "Max", 1, x, op_param(&t, SHAPE(6, 1), NULL))->out[0], "[N,6,4]");
    x = symbolic(&t, 13);
    node = NODE(&t, "ReduceMax", 1, x);
    op_set_ints(&t, node, "axes", I(2), 1);
    op_check_shape(&t, node->out[0], "[N,6,1]");
    x = symbolic(&t, 13);
    op_set_int(&t, NODE(&t, "ArgMax", 1, x), "axis", 1);
    op_check_shape(&t, t.graph->nodes[0]->out[0], "[N,1,4]");
    x = symbolic(&t, 13);
    op_check_shape(&t, NODE(&t, "Where", 1, NODE(&t, "Equal", 1, x, x)->out[0], x, op_param(&t, SCALAR, NULL))->out[0],
                   "[N,6,4]");
}

/* Where(Equal(list, -1), ones, list), Max and ReduceProd on shapes, as exporters write Expand and Reshape. */
static void shape_arithmetic_is_folded(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_value *list = op_ints(&t, SHAPE(3), I(2, -1, 3));
    eki_value *same = NODE(&t, "Equal", 1, list, op_ints(&t, SCALAR, I(-1)))->out[0];
    eki_value *target = NODE(&t, "Where", 1, same, op_ints(&t, SHAPE(3), I(1, 1, 1)), list)->out[0];
    op_check_shape(&t, NODE(&t, "Expand", 1, op_input(&t, SHAPE(4, 1), NULL), target)->out[0], "[2,4,3]");
    op_begin(&t, 13);
    eki_value *x = op_input(&t, SHAPE(2, 3, 4), NULL), *shape = NODE(&t, "Shape", 1, x)->out[0];
    eki_value *product = NODE(&t, "ReduceProd", 1, shape)->out[0];
    eki_value *more = NODE(&t, "Max", 1, product, op_ints(&t, SHAPE(1), I(3)))->out[0];
    op_check_shape(&t, NODE(&t, "Reshape", 1, x, more)->out[0], "[24]");
    op_begin(&t, 13);
    x = op_input(&t, SHAPE(2, 3, 4), NULL);
    eki_node *parts = NODE(&t, "Split", 2, NODE(&t, "Shape", 1, x)->out[0], op_ints(&t, SHAPE(2), I(1, 2)));
    eki_value *tiled = NODE(&t, "Tile", 1, parts->out[0], op_ints(&t, SHAPE(1), I(2)))->out[0];
    op_check_shape(&t, NODE(&t, "ConstantOfShape", 1, tiled)->out[0], "[2,2]");
}

/* A cast to half precision keeps f32 in memory and rounds to what the type holds. */
static void cast_to_half(void **state) {
    (void)state;
    static const struct {
        int64_t to;
        float y[3];
    } cases[] = {{EK_F16, {1.0f, 2049.0f - 1.0f, INFINITY}}, {EK_BF16, {1.0f, 2048.0f, 70144.0f}}};
    for (size_t i = 0; i < 2; i++) {
        op_test t;
        op_begin(&t, 13);
        op_set_int(&t, NODE(&t, "Cast", 1, op_input(&t, SHAPE(3), F(1.0001f, 2049.0f, 70000.0f))), "to", cases[i].to);
        op_run(&t, EKI_MODE_FILE);
        op_expect(&t, 0, cases[i].y, 3, 0);
        op_end(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_values), cmocka_unit_test(split_gradients), cmocka_unit_test(expand_and_tile),
        cmocka_unit_test(range),        cmocka_unit_test(symbols_survive), cmocka_unit_test(shape_arithmetic_is_folded),
        cmocka_unit_test(cast_to_half),
    };
    return cmocka_run_group_tests_name("op_copies", tests, NULL, NULL);
}
