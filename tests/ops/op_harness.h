/* op_harness.h: small graphs for operator tests, run by the engine as any model is.
 *
 *     op_test t;
 *     op_begin(&t, 13);
 *     eki_value *x = op_input(&t, SHAPE(2, 3), NULL);      // NULL = random
 *     eki_node *node = NODE(&t, "Softmax", 1, x);
 *     eki_node_set_int(t.graph, node, "axis", 1, NULL);
 *     op_run(&t, EKI_MODE_FILE);
 *     op_expect(&t, 0, (float[]){...}, 6, 1e-6);
 *     assert_true(op_gradient_error(&t) < 1e-4);
 *     op_end(&t);
 */
#ifndef EK_TEST_OP_HARNESS_H
#define EK_TEST_OP_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graph/exec.h"

enum { OP_TEST_INPUTS = 16 };

typedef struct op_test {
    eki_graph *graph;
    eki_exec *exec;
    eki_exec_options options; /* may be changed before op_run */
    int n_inputs, names;
    eki_shape shapes[OP_TEST_INPUTS];
    float *feed[OP_TEST_INPUTS];
    size_t counts[OP_TEST_INPUTS];
    bool flip;         /* negates what every backward gives: the gradient check must then fail */
    bool forward_only; /* plan no gradients */
    ek_error err;
} op_test;

#define SHAPE(...) eki_shape_of((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]){__VA_ARGS__})
#define SCALAR ((eki_shape){.rank = 0})
#define F(...)                                                                                                         \
    (float[]) { __VA_ARGS__ }
#define I(...)                                                                                                         \
    (int64_t[]) { __VA_ARGS__ }
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Stops the test with the error text unless it is EK_OK. */
void op_ok(op_test *t, ek_status status);
/* A random multiple of 1/256 in [-2, 2], away from 0. */
float op_grid_value(uint64_t stream, uint64_t i);

void op_begin(op_test *t, int64_t opset);
void op_end(op_test *t);

/* A graph input and an f32 or i64 initializer. NULL values: random multiples of 1/256 in [-2, 2], away from 0. */
eki_value *op_input(op_test *t, eki_shape shape, const float *values);
eki_value *op_param(op_test *t, eki_shape shape, const float *values);
eki_value *op_ints(op_test *t, eki_shape shape, const int64_t *values);
/* Random values in [low, high]. */
void op_refill(op_test *t, eki_value *value, float low, float high);

eki_node *op_node(op_test *t, const char *op, int n_out, eki_value *const *in, size_t n_in);
#define NODE(t, op, n_out, ...)                                                                                        \
    op_node(t, op, n_out, (eki_value *[]){__VA_ARGS__}, sizeof((eki_value *[]){__VA_ARGS__}) / sizeof(eki_value *))

void op_set_int(op_test *t, eki_node *node, const char *name, int64_t v);
void op_set_float(op_test *t, eki_node *node, const char *name, float v);
void op_set_ints(op_test *t, eki_node *node, const char *name, const int64_t *v, size_t n);
void op_set_string(op_test *t, eki_node *node, const char *name, const char *v);

/* Makes the last node's outputs those of the graph (op_output when another is meant), plans and runs forward. */
void op_output(op_test *t, eki_value *value);
void op_run(op_test *t, eki_mode mode);
/* The same, but it must fail with this status and this piece of text. */
void op_run_fails(op_test *t, eki_mode mode, ek_status status, const char *text);
void op_forward(op_test *t);

const float *op_result(op_test *t, size_t output, size_t *count);
void op_expect(op_test *t, size_t output, const float *values, size_t count, double tolerance);
void op_expect_ints(op_test *t, size_t output, const int64_t *values, size_t count);
void op_expect_shape(op_test *t, size_t output, eki_shape shape);

/* Runs as the file says, compares output 0 to 1e-6 and ends. */
void op_check(op_test *t, const float *values, size_t count);
/* Infers with symbols, compares the shape of a value as text and ends. */
void op_check_shape(op_test *t, const eki_value *value, const char *shape);

/* Backward against central differences; see op_gradient.c. The largest relative error over inputs and parameters. */
double op_gradient_error(op_test *t);
/* Runs, checks that it is below 1e-4 and ends. */
void op_check_gradient(op_test *t, eki_mode mode);

#endif
