/* op_harness.c: graphs of a few nodes, and the gradient check.
 *
 * The check: L = sum of dy * y in f64, with random dy. For each input and parameter, and several directions d, backward
 * must agree with (L(x + h d) - L(x - h d)) / 2h, extrapolated from h and h / 2 (Richardson: error h^4). All x and h d
 * are multiples of 2^-13, so that x + h d is exact in f32 and only the rounding of y is left. One direction is the sign
 * of the gradient, the others are random. The error is relative to the derivative or to its typical size
 * |g| |d| / sqrt(n), whichever is larger.
 */
#include "op_harness.h"

#include "base/random.h"
#include "graph/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double STEP = 0x1p-5;
enum { DIRECTIONS = 4 };

static void ok(op_test *t, ek_status status) {
    if (status != EK_OK) fail_msg("%s: %s", ek_status_name(status), t->err.text);
}

static float grid_value(uint64_t stream, uint64_t i) {
    eki_random random = eki_random_stream(7, "op test", stream, 0);
    float v = (float)eki_random_below(random, i, 480) / 256.0f + 0x1p-3f;
    return eki_random_u32(random, i + (1u << 30)) & 1 ? v : -v;
}

void op_begin(op_test *t, int64_t opset) {
    memset(t, 0, sizeof *t);
    t->options.threads = 1; /* small graphs: quicker than waking threads */
    ok(t, eki_graph_create(opset, &t->graph, &t->err));
}

void op_end(op_test *t) {
    eki_exec_destroy(t->exec);
    eki_graph_destroy(t->graph);
    for (int i = 0; i < t->n_inputs; i++) free(t->feed[i]);
}

static const char *fresh_name(op_test *t, const char *prefix, char text[32]) {
    (void)snprintf(text, 32, "%s%d", prefix, t->names++);
    return text;
}

static size_t elements(const eki_shape *shape) {
    int64_t count = 0;
    assert_true(eki_shape_count(shape, &count));
    return (size_t)count;
}

eki_value *op_input(op_test *t, eki_shape shape, const float *values) {
    char name[32];
    eki_value *value;
    int i = t->n_inputs++;
    size_t count = elements(&shape);
    ok(t, eki_graph_value(t->graph, fresh_name(t, "x", name), &value, &t->err));
    value->dtype = EK_F32;
    value->shape = shape;
    ok(t, eki_graph_add_input(t->graph, value, &t->err));
    t->shapes[i] = shape;
    t->counts[i] = count;
    t->feed[i] = malloc((count + 1) * sizeof(float));
    assert_non_null(t->feed[i]);
    for (size_t k = 0; k < count; k++) t->feed[i][k] = values != NULL ? values[k] : grid_value((uint64_t)t->names, k);
    return value;
}

eki_value *op_param(op_test *t, eki_shape shape, const float *values) {
    char name[32];
    eki_value *value;
    ok(t, eki_graph_add_tensor(t->graph, fresh_name(t, "p", name), EK_F32, &shape, &value, &t->err));
    float *data = value->init->data;
    for (size_t k = 0, n = elements(&shape); k < n; k++) {
        data[k] = values != NULL ? values[k] : grid_value((uint64_t)t->names, k);
    }
    return value;
}

eki_value *op_ints(op_test *t, eki_shape shape, const int64_t *values) {
    char name[32];
    eki_value *value;
    ok(t, eki_graph_add_tensor(t->graph, fresh_name(t, "n", name), EK_I64, &shape, &value, &t->err));
    if (elements(&shape) > 0) memcpy(value->init->data, values, elements(&shape) * sizeof *values);
    return value;
}

void op_refill(op_test *t, eki_value *value, float low, float high) {
    float *data = value->init != NULL ? value->init->data : t->feed[value->input_index];
    size_t count = elements(&value->shape);
    eki_random random = eki_random_stream(9, "op refill", (uint64_t)value->id, 0);
    for (size_t k = 0; k < count; k++) {
        data[k] = roundf((low + (high - low) * (float)eki_random_uniform(random, k)) * 256.0f) / 256.0f;
    }
}

eki_node *op_node(op_test *t, const char *op, int n_out, eki_value *const *in, size_t n_in) {
    char name[32];
    eki_value *out[8];
    eki_node *node;
    for (int i = 0; i < n_out; i++) ok(t, eki_graph_value(t->graph, fresh_name(t, "y", name), &out[i], &t->err));
    ok(t, eki_graph_add_node(t->graph, op, "", "", in, (int)n_in, out, n_out, &node, &t->err));
    return node;
}

void op_output(op_test *t, eki_value *value) { ok(t, eki_graph_add_output(t->graph, value, &t->err)); }

static ek_status flip_backward(eki_step *step, ek_error *err) {
    const eki_op *real = eki_op_find(step->node->op_type, "", step->opset);
    EKI_TRY(real->backward(step, err));
    for (int i = 0; i < step->n_in; i++) {
        size_t count = step->din[i] != NULL ? eki_view_elements(&step->in[i]) : 0;
        for (size_t k = 0; k < count; k++) ((float *)step->din[i])[k] *= -1.0f;
    }
    return EK_OK;
}

static void install_flip(op_test *t) {
    static eki_op copies[8];
    eki_plan_private *p = eki_exec_plan(t->exec)->private_data;
    for (size_t s = 0; s < p->n_steps && s < COUNT(copies); s++) {
        if (p->steps[s]->step.node == NULL || p->steps[s]->step.op->backward == NULL) continue;
        copies[s] = *p->steps[s]->step.op;
        copies[s].backward = flip_backward;
        p->steps[s]->step.op = &copies[s];
    }
}

void op_forward(op_test *t) {
    for (int i = 0; i < t->n_inputs; i++) {
        if (t->counts[i] > 0) memcpy(eki_exec_input(t->exec, (size_t)i).data, t->feed[i], t->counts[i] * sizeof(float));
    }
    ok(t, eki_exec_forward(t->exec, &t->err));
}

static ek_status plan(op_test *t, eki_mode mode) {
    if (t->graph->n_outputs == 0) {
        const eki_node *last = t->graph->nodes[t->graph->n_nodes - 1];
        for (int i = 0; i < last->n_out; i++) op_output(t, last->out[i]);
    }
    t->options.mode = mode;
    t->options.backward = t->options.input_gradient = true;
    eki_exec_destroy(t->exec);
    t->exec = NULL;
    EKI_TRY(eki_exec_create(t->graph, &t->options, &t->exec, &t->err));
    return eki_exec_prepare(t->exec, t->shapes, &t->err);
}

void op_run(op_test *t, eki_mode mode) {
    ok(t, plan(t, mode));
    if (t->flip) install_flip(t);
    op_forward(t);
}

void op_run_fails(op_test *t, eki_mode mode, ek_status status, const char *text) {
    ek_status found = plan(t, mode);
    if (found == EK_OK) {
        for (int i = 0; i < t->n_inputs; i++) {
            memcpy(eki_exec_input(t->exec, (size_t)i).data, t->feed[i], t->counts[i] * sizeof(float));
        }
        found = eki_exec_forward(t->exec, &t->err);
    }
    assert_int_equal(found, status);
    if (strstr(t->err.text, text) == NULL) fail_msg("expected '%s' in: %s", text, t->err.text);
}

const float *op_result(op_test *t, size_t output, size_t *count) {
    eki_view view = eki_exec_output(t->exec, output);
    assert_int_equal(view.dtype, EK_F32);
    if (count != NULL) *count = eki_view_elements(&view);
    return view.data;
}

void op_expect(op_test *t, size_t output, const float *values, size_t count, double tolerance) {
    size_t n;
    const float *y = op_result(t, output, &n);
    assert_int_equal(n, count);
    for (size_t i = 0; i < n; i++) {
        bool same = (isnan(y[i]) && isnan(values[i])) || y[i] == values[i];
        if (!same && !(fabs((double)y[i] - (double)values[i]) <= tolerance * fmax(1.0, fabs((double)values[i])))) {
            fail_msg("output %zu element %zu is %.9g, expected %.9g", output, i, (double)y[i], (double)values[i]);
        }
    }
}

void op_expect_ints(op_test *t, size_t output, const int64_t *values, size_t count) {
    eki_view view = eki_exec_output(t->exec, output);
    assert_int_equal(view.dtype, EK_I64);
    assert_int_equal(eki_view_elements(&view), count);
    for (size_t i = 0; i < count; i++) assert_int_equal(((const int64_t *)view.data)[i], values[i]);
}

void op_expect_shape(op_test *t, size_t output, eki_shape shape) {
    char found[192], wanted[192];
    eki_view view = eki_exec_output(t->exec, output);
    assert_string_equal(eki_shape_text(NULL, &view.shape, found), eki_shape_text(NULL, &shape, wanted));
}

/* ---- the gradient check ---- */

typedef struct leaf {
    float *data;      /* where the value is read from */
    double *gradient; /* what backward says */
    size_t count;
    bool is_parameter;
} leaf;

static float weight_of(size_t i) { return grid_value(1000, i); }

static double loss(op_test *t) {
    size_t count;
    const float *y = op_result(t, 0, &count);
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) sum += (double)weight_of(i) * (double)y[i];
    return sum;
}

static double loss_at(op_test *t, const leaf *l, const float *x, const float *d, double h) {
    for (size_t i = 0; i < l->count; i++) l->data[i] = (float)((double)x[i] + h * (double)d[i]);
    if (l->is_parameter) {
        eki_exec_weights_changed(t->exec);
        ok(t, eki_exec_prepare(t->exec, t->shapes, &t->err));
    }
    op_forward(t);
    memcpy(l->data, x, l->count * sizeof *x);
    return loss(t);
}

static double slope(op_test *t, const leaf *l, const float *x, const float *d, double h) {
    return (loss_at(t, l, x, d, h) - loss_at(t, l, x, d, -h)) / (2.0 * h);
}

static double direction_error(op_test *t, const leaf *l, const float *x, int which) {
    float *d = malloc((l->count + 1) * sizeof *d);
    double analytic = 0.0, gg = 0.0, dd = 0.0;
    assert_non_null(d);
    for (size_t i = 0; i < l->count; i++) {
        double g = l->gradient[i];
        d[i] = which == 0 ? (g < 0.0 ? -1.0f : 1.0f) : roundf(grid_value(2000 + (uint64_t)which, i) * 64.0f) / 128.0f;
        analytic += g * (double)d[i];
        gg += g * g;
        dd += (double)d[i] * (double)d[i];
    }
    double numeric = (4.0 * slope(t, l, x, d, STEP / 2.0) - slope(t, l, x, d, STEP)) / 3.0;
    double scale = fmax(fabs(analytic), sqrt(gg * dd / (double)(l->count + 1)));
    free(d);
    return fabs(numeric - analytic) / fmax(scale, 1e-3);
}

static double leaf_error(op_test *t, const leaf *l) {
    double worst = 0.0;
    float *x = malloc((l->count + 1) * sizeof *x);
    assert_non_null(x);
    memcpy(x, l->data, l->count * sizeof *x);
    for (int which = 0; which < DIRECTIONS; which++) worst = fmax(worst, direction_error(t, l, x, which));
    free(x);
    return worst;
}

static leaf make_leaf(float *data, const float *gradient, size_t count, bool is_parameter) {
    leaf l = {data, malloc((count + 1) * sizeof(double)), count, is_parameter};
    assert_non_null(l.gradient);
    for (size_t i = 0; i < count; i++) l.gradient[i] = (double)gradient[i];
    return l;
}

double op_gradient_error(op_test *t) {
    leaf leaves[2 * OP_TEST_INPUTS];
    size_t n = 0;
    double worst = 0.0;
    op_forward(t);
    eki_view y = eki_exec_output(t->exec, 0);
    float *dy = eki_exec_output_gradient(t->exec, 0);
    assert_non_null(dy);
    for (size_t i = 0; i < eki_view_elements(&y); i++) dy[i] = weight_of(i);
    ok(t, eki_exec_backward(t->exec, &t->err));
    for (int i = 0; i < t->n_inputs; i++) {
        const float *g = eki_exec_input_gradient(t->exec, (size_t)i);
        if (g != NULL) leaves[n++] = make_leaf(t->feed[i], g, t->counts[i], false);
    }
    for (size_t i = 0; i < eki_exec_parameter_count(t->exec); i++) {
        const eki_parameter *p = eki_exec_parameter(t->exec, i);
        leaves[n++] = make_leaf(p->value->init->data, p->gradient, p->count, true);
    }
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) worst = fmax(worst, leaf_error(t, &leaves[i]));
    for (size_t i = 0; i < n; i++) free(leaves[i].gradient);
    return worst;
}
