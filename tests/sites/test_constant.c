/* test_constant.c: constants through nodes: which values are constants, and their numbers to the bit. */
#include "onnx/onnx.h"
#include "sites/constants.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OK(call) assert_int_equal(call, EK_OK)

static eki_graph *graph;
static int made;

static int setup(void **state) {
    (void)state;
    made = 0;
    return eki_graph_create(13, &graph, NULL) == EK_OK ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    eki_graph_destroy(graph);
    return 0;
}

static eki_value *fresh(void) {
    char name[16];
    eki_value *value;
    (void)snprintf(name, sizeof name, "v%d", made++);
    OK(eki_graph_value(graph, name, &value, NULL));
    return value;
}

static eki_value *floats(int rank, const int64_t *dims, const float *data) {
    eki_shape shape = eki_shape_of(rank, dims);
    eki_value *value = fresh();
    OK(eki_graph_add_tensor(graph, value->name, EK_F32, &shape, &value, NULL));
    memcpy(value->init->data, data, value->init->bytes);
    return value;
}

static eki_value *ints(int64_t count, const int64_t *data) {
    eki_shape shape = eki_shape_of(1, &count);
    eki_value *value = fresh();
    OK(eki_graph_add_tensor(graph, value->name, EK_I64, &shape, &value, NULL));
    memcpy(value->init->data, data, value->init->bytes);
    return value;
}

static eki_value *node(eki_opcode op, eki_value *a, eki_value *b, eki_node **out) {
    eki_value *in[2] = {a, b}, *result = fresh();
    OK(eki_graph_add_op(graph, op, "", in, b != NULL ? 2 : a != NULL ? 1 : 0, &result, 1, out, NULL));
    return result;
}

static void expect(const eki_value *value, int rank, const int64_t *dims, const double *numbers) {
    eki_constants c = eki_constants_of(graph);
    eki_numbers got;
    eki_shape shape, wanted = eki_shape_of(rank, dims);
    assert_true(eki_is_constant(&c, value, &shape));
    assert_true(eki_shape_equal(&shape, &wanted));
    OK(eki_constant_numbers(&c, value, &got, NULL));
    assert_true(eki_shape_equal(&got.shape, &wanted));
    for (int64_t i = 0; i < got.count; i++) {
        if (got.at[i] != numbers[i]) fail_msg("element %d is %g, not %g", (int)i, got.at[i], numbers[i]);
    }
    eki_numbers_free(&got);
}

static void expect_none(const eki_value *value) {
    eki_constants c = eki_constants_of(graph);
    eki_numbers got;
    assert_int_not_equal(eki_constant_numbers(&c, value, &got, NULL), EK_OK);
    assert_null(got.at);
}

static const int64_t six[2] = {2, 3}, turned[2] = {3, 2};
static const float data[6] = {1, 2, 3, 4, 5, 6};

static void nodes_that_move(void **state) {
    (void)state;
    eki_node *n;
    eki_value *x = floats(2, six, data);
    expect(node(EKI_OP_Identity, x, NULL, NULL), 2, six, (double[]){1, 2, 3, 4, 5, 6});
    expect(node(EKI_OP_Transpose, x, NULL, NULL), 2, turned, (double[]){1, 4, 2, 5, 3, 6});
    expect(node(EKI_OP_Reshape, x, ints(2, (int64_t[]){-1, 2}), NULL), 2, turned, (double[]){1, 2, 3, 4, 5, 6});
    expect(node(EKI_OP_Reshape, x, ints(2, (int64_t[]){0, -1}), NULL), 2, six, (double[]){1, 2, 3, 4, 5, 6});
    eki_value *tall = node(EKI_OP_Unsqueeze, x, ints(2, (int64_t[]){0, -1}), NULL);
    expect(tall, 4, (int64_t[]){1, 2, 3, 1}, (double[]){1, 2, 3, 4, 5, 6});
    expect(node(EKI_OP_Squeeze, tall, NULL, NULL), 2, six, (double[]){1, 2, 3, 4, 5, 6});
    expect(node(EKI_OP_Squeeze, tall, ints(1, (int64_t[]){3}), NULL), 3, (int64_t[]){1, 2, 3},
           (double[]){1, 2, 3, 4, 5, 6});
    expect(node(EKI_OP_Flatten, tall, NULL, &n), 2, (int64_t[]){1, 6}, (double[]){1, 2, 3, 4, 5, 6});
    eki_value *column = floats(2, (int64_t[]){2, 1}, data);
    expect(node(EKI_OP_Expand, column, ints(2, (int64_t[]){1, 3}), NULL), 2, six, (double[]){1, 1, 1, 2, 2, 2});
    expect(node(EKI_OP_Tile, floats(1, (int64_t[]){2}, data), ints(1, (int64_t[]){3}), NULL), 1, (int64_t[]){6},
           (double[]){1, 2, 1, 2, 1, 2});
    expect(node(EKI_OP_Tile, column, ints(2, (int64_t[]){2, 1}), NULL), 2, (int64_t[]){4, 1}, (double[]){1, 2, 1, 2});
    expect_none(node(EKI_OP_Tile, x, ints(1, (int64_t[]){2}), NULL)); /* one for each axis */
    expect_none(node(EKI_OP_Tile, x, ints(2, (int64_t[]){-1, 1}), NULL));
    expect_none(node(EKI_OP_Reshape, x, ints(2, (int64_t[]){4, 2}), NULL));
    expect_none(node(EKI_OP_Squeeze, x, ints(1, (int64_t[]){0}), NULL));
}

static void filled(void **state) {
    (void)state;
    eki_node *n;
    eki_attr *attr;
    eki_value *shape = ints(2, six);
    expect(node(EKI_OP_ConstantOfShape, shape, NULL, NULL), 2, six, (double[]){0, 0, 0, 0, 0, 0});
    eki_value *y = node(EKI_OP_ConstantOfShape, shape, NULL, &n);
    OK(eki_node_attr_slot(graph, n, "value", &attr, NULL));
    attr->type = EKI_ATTR_TENSOR;
    attr->t = ints(1, (int64_t[]){7})->init;
    expect(y, 2, six, (double[]){7, 7, 7, 7, 7, 7});
    attr->t = ints(2, six)->init; /* it must be one */
    expect_none(y);
    expect_none(node(EKI_OP_ConstantOfShape, ints(2, (int64_t[]){2, -1}), NULL, NULL));
    expect_none(node(EKI_OP_ConstantOfShape, ints(3, (int64_t[]){1 << 20, 1 << 20, 1 << 20}), NULL, NULL));
}

static void arithmetic(void **state) {
    (void)state;
    eki_value *x = floats(2, six, data), *row = floats(1, (int64_t[]){3}, (float[]){1, 10, 100}),
              *third = floats(0, NULL, (float[]){3});
    expect(node(EKI_OP_Add, x, row, NULL), 2, six, (double[]){2, 12, 103, 5, 15, 106});
    expect(node(EKI_OP_Sub, row, x, NULL), 2, six, (double[]){0, 8, 97, -3, 5, 94});
    expect(node(EKI_OP_Mul, x, row, NULL), 2, six, (double[]){1, 20, 300, 4, 50, 600});
    expect(node(EKI_OP_Pow, row, third, NULL), 1, (int64_t[]){3}, (double[]){1, 1000, 1000000});
    expect(node(EKI_OP_Neg, third, NULL, NULL), 0, NULL, (double[]){-3});
    expect(node(EKI_OP_Reciprocal, third, NULL, NULL), 0, NULL, (double[]){(double)(1.0F / 3.0F)});
    expect(node(EKI_OP_Sqrt, third, NULL, NULL), 0, NULL, (double[]){(double)sqrtf(3.0F)});
    expect(node(EKI_OP_Div, ints(1, (int64_t[]){7}), ints(1, (int64_t[]){-2}), NULL), 1, (int64_t[]){1},
           (double[]){-3});
    eki_node *n;
    eki_value *old = node(EKI_OP_Add, x, row, &n);
    OK(eki_node_set_int(graph, n, "broadcast", 1, NULL));
    expect_none(old);
}

static void casts(void **state) {
    (void)state;
    eki_node *n;
    eki_value *x = floats(1, (int64_t[]){2}, (float[]){-1.7F, 2049.0F}), *y = node(EKI_OP_Cast, x, NULL, &n);
    OK(eki_node_set_int(graph, n, "to", EK_I64, NULL));
    expect(y, 1, (int64_t[]){2}, (double[]){-1, 2049});
    y = node(EKI_OP_Cast, x, NULL, &n);
    OK(eki_node_set_int(graph, n, "to", EK_F16, NULL));
    expect(y, 1, (int64_t[]){2}, (double[]){-1.7001953125, 2048});
    y = node(EKI_OP_Cast, x, NULL, &n);
    OK(eki_node_set_int(graph, n, "to", EK_STRING, NULL));
    expect_none(y);
}

static void forms_of_constant(void **state) {
    (void)state;
    static const float two[2] = {0.5F, -1.5F};
    eki_node *n;
    eki_attr *attr;
    eki_value *y = node(EKI_OP_Constant, NULL, NULL, &n);
    OK(eki_node_attr_slot(graph, n, "value_floats", &attr, NULL));
    attr->type = EKI_ATTR_FLOATS;
    attr->count = 2;
    attr->floats = two;
    expect(y, 1, (int64_t[]){2}, (double[]){0.5, -1.5});
    y = node(EKI_OP_Constant, NULL, NULL, &n);
    OK(eki_node_set_float(graph, n, "value_float", 0.25F, NULL));
    expect(y, 0, NULL, (double[]){0.25});
    y = node(EKI_OP_Constant, NULL, NULL, &n);
    OK(eki_node_set_int(graph, n, "value_int", 7, NULL));
    expect(y, 0, NULL, (double[]){7});
    y = node(EKI_OP_Constant, NULL, NULL, &n);
    OK(eki_node_set_ints(graph, n, "value_ints", (int64_t[]){3, 4}, 2, NULL));
    expect(y, 1, (int64_t[]){2}, (double[]){3, 4});
    y = node(EKI_OP_Constant, NULL, NULL, &n);
    OK(eki_node_attr_slot(graph, n, "sparse_value", &attr, NULL));
    expect_none(y);
    y = node(EKI_OP_Constant, NULL, NULL, &n);
    OK(eki_node_attr_slot(graph, n, "value", &attr, NULL));
    attr->type = EKI_ATTR_TENSOR;
    attr->t = floats(2, six, data)->init;
    expect(y, 2, six, (double[]){1, 2, 3, 4, 5, 6});
    eki_source source = eki_constant_source(node(EKI_OP_Identity, y, NULL, NULL));
    assert_ptr_equal(source.value, y);
    assert_ptr_equal(source.tensor, attr->t);
    assert_true(source.identity && !source.reshaped);
}

static void what_is_none(void **state) {
    (void)state;
    eki_value *x = floats(2, six, data), *other = floats(2, six, data), *fed = fresh();
    fed->dtype = EK_F32;
    OK(eki_graph_add_input(graph, fed, NULL));
    expect_none(fed);
    expect_none(node(EKI_OP_Add, fed, x, NULL));
    eki_node *relu;
    expect_none(node(EKI_OP_Relu, x, NULL, &relu));
    /* A caller may replace it, until all are listed as inputs. */
    OK(eki_graph_add_input(graph, x, NULL));
    expect_none(node(EKI_OP_Identity, x, NULL, NULL));
    OK(eki_graph_add_input(graph, other, NULL));
    expect(x, 2, six, (double[]){1, 2, 3, 4, 5, 6});
}

static void budgets(void **state) {
    (void)state;
    eki_value *x = floats(2, six, data), *deep = x, *wide = x;
    eki_constants c = eki_constants_of(graph);
    eki_numbers numbers;
    c.most = 5;
    assert_int_equal(eki_constant_numbers(&c, x, &numbers, NULL), EK_ERR_LIMIT);
    for (int i = 0; i < 100; i++) deep = node(EKI_OP_Identity, deep, NULL, NULL);
    expect_none(deep);
    for (int i = 0; i < 30; i++) wide = node(EKI_OP_Add, wide, wide, NULL);
    expect_none(wide); /* 2^30 additions */
    eki_value *big = node(EKI_OP_Expand, floats(1, (int64_t[]){1}, data), ints(2, (int64_t[]){1 << 30, 1 << 30}), NULL);
    expect_none(big);
}

static void outer_values(void **state) {
    (void)state;
    eki_value *x = floats(2, six, data), *inner;
    eki_graph *child;
    OK(eki_graph_add_child(graph, &child, NULL));
    OK(eki_graph_value(child, x->name, &inner, NULL));
    inner->outer = x;
    expect(inner, 2, six, (double[]){1, 2, 3, 4, 5, 6});
    assert_ptr_equal(eki_constant_source(inner).value, x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nodes_that_move, setup, teardown),
        cmocka_unit_test_setup_teardown(filled, setup, teardown),
        cmocka_unit_test_setup_teardown(arithmetic, setup, teardown),
        cmocka_unit_test_setup_teardown(casts, setup, teardown),
        cmocka_unit_test_setup_teardown(forms_of_constant, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(budgets, setup, teardown),
        cmocka_unit_test_setup_teardown(outer_values, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
