/* op_harness.c: graphs of a few nodes. */
#include "op_harness.h"

#include "base/random.h"
#include "graph/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void op_ok(op_test *t, ek_status status) {
    if (status != EK_OK) fail_msg("%s: %s", ek_status_name(status), t->err.text);
}

float op_grid_value(uint64_t stream, uint64_t i) {
    eki_random random = eki_random_stream(7, "op test", stream, 0);
    float v = (float)eki_random_below(random, i, 480) / 256.0f + 0x1p-3f;
    return eki_random_u32(random, i + (1u << 30)) & 1 ? v : -v;
}

void op_begin(op_test *t, int64_t opset) {
    memset(t, 0, sizeof *t);
    t->options.threads = 1; /* small graphs: quicker than waking threads */
    op_ok(t, eki_graph_create(opset, &t->graph, &t->err));
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
    op_ok(t, eki_graph_value(t->graph, fresh_name(t, "x", name), &value, &t->err));
    value->dtype = EK_F32;
    value->shape = shape;
    op_ok(t, eki_graph_add_input(t->graph, value, &t->err));
    t->shapes[i] = shape;
    t->counts[i] = count;
    t->feed[i] = malloc((count + 1) * sizeof(float));
    assert_non_null(t->feed[i]);
    for (size_t k = 0; k < count; k++)
        t->feed[i][k] = values != NULL ? values[k] : op_grid_value((uint64_t)t->names, k);
    return value;
}

eki_value *op_param(op_test *t, eki_shape shape, const float *values) {
    char name[32];
    eki_value *value;
    op_ok(t, eki_graph_add_tensor(t->graph, fresh_name(t, "p", name), EK_F32, &shape, &value, &t->err));
    float *data = value->init->data;
    for (size_t k = 0, n = elements(&shape); k < n; k++) {
        data[k] = values != NULL ? values[k] : op_grid_value((uint64_t)t->names, k);
    }
    return value;
}

eki_value *op_ints(op_test *t, eki_shape shape, const int64_t *values) {
    char name[32];
    eki_value *value;
    op_ok(t, eki_graph_add_tensor(t->graph, fresh_name(t, "n", name), EK_I64, &shape, &value, &t->err));
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
    for (int i = 0; i < n_out; i++) op_ok(t, eki_graph_value(t->graph, fresh_name(t, "y", name), &out[i], &t->err));
    op_ok(t, eki_graph_add_node(t->graph, op, "", "", in, (int)n_in, out, n_out, &node, &t->err));
    return node;
}

void op_set_int(op_test *t, eki_node *node, const char *name, int64_t v) {
    op_ok(t, eki_node_set_int(t->graph, node, name, v, &t->err));
}

void op_set_float(op_test *t, eki_node *node, const char *name, float v) {
    op_ok(t, eki_node_set_float(t->graph, node, name, v, &t->err));
}

void op_set_ints(op_test *t, eki_node *node, const char *name, const int64_t *v, size_t n) {
    op_ok(t, eki_node_set_ints(t->graph, node, name, v, n, &t->err));
}

void op_set_string(op_test *t, eki_node *node, const char *name, const char *v) {
    op_ok(t, eki_node_set_string(t->graph, node, name, v, &t->err));
}

void op_output(op_test *t, eki_value *value) { op_ok(t, eki_graph_add_output(t->graph, value, &t->err)); }

static void negate(float *gradient, const eki_view *view) {
    size_t count = gradient != NULL ? eki_view_elements(view) : 0;
    for (size_t k = 0; k < count; k++) gradient[k] *= -1.0f;
}

static ek_status flip_backward(eki_step *step, ek_error *err) {
    const eki_op *real = eki_op_find(step->node->op, step->opset);
    EKI_TRY(real->backward(step, err));
    for (int i = 0; i < step->n_in; i++) negate(step->din[i], &step->in[i]);
    negate(step->tail.din, &step->tail.in);
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

/* What no output needs has no buffer. */
static void feed(op_test *t) {
    for (int i = 0; i < t->n_inputs; i++) {
        if (t->counts[i] == 0 || !eki_exec_input_needed(t->exec, (size_t)i)) continue;
        memcpy(eki_exec_input(t->exec, (size_t)i).data, t->feed[i], t->counts[i] * sizeof(float));
    }
}

void op_forward(op_test *t) {
    feed(t);
    op_ok(t, eki_exec_forward(t->exec, &t->err));
}

static ek_status plan(op_test *t, eki_mode mode) {
    if (t->graph->n_outputs == 0) {
        const eki_node *last = t->graph->nodes[t->graph->n_nodes - 1];
        for (int i = 0; i < last->n_out; i++) op_output(t, last->out[i]);
    }
    t->options.mode = mode;
    t->options.backward = t->options.input_gradient = !t->forward_only;
    eki_exec_destroy(t->exec);
    t->exec = NULL;
    EKI_TRY(eki_exec_create(t->graph, &t->options, &t->exec, &t->err));
    return eki_exec_prepare(t->exec, t->shapes, &t->err);
}

void op_run(op_test *t, eki_mode mode) {
    op_ok(t, plan(t, mode));
    if (t->flip) install_flip(t);
    op_forward(t);
}

void op_run_fails(op_test *t, eki_mode mode, ek_status status, const char *text) {
    ek_status found = plan(t, mode);
    if (found == EK_OK) {
        feed(t);
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

void op_check(op_test *t, const float *values, size_t count) {
    op_run(t, EKI_MODE_FILE);
    op_expect(t, 0, values, count, 1e-6);
    op_end(t);
}

void op_check_shape(op_test *t, const eki_value *value, const char *shape) {
    char text[192];
    op_ok(t, eki_graph_infer(t->graph, NULL, &t->err));
    assert_string_equal(eki_shape_text(t->graph, &value->shape, text), shape);
    op_end(t);
}
