/* wide.c: see wide.h. */
#include "wide.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int64_t count_of(const wide_array *a) {
    int64_t count = 1;
    for (int i = 0; i < a->rank; i++) count *= a->dims[i];
    return count;
}

static wide_array *make(wide_array *a, int rank, const int64_t *dims) {
    free(a->data);
    a->rank = rank;
    memcpy(a->dims, dims, (size_t)rank * sizeof *dims);
    a->data = calloc((size_t)count_of(a) + 1, sizeof *a->data);
    assert_non_null(a->data);
    return a;
}

void wide_make(wide_net *net, const ek_model *model) {
    net->graph = model->graph;
    net->values = calloc(model->graph->n_values, sizeof *net->values);
    assert_non_null(net->values);
    for (size_t i = 0; i < model->graph->n_values; i++) {
        const eki_tensor *t = model->graph->values[i]->init;
        if (t == NULL || t->dtype != EK_F32) continue;
        wide_array *a = make(&net->values[i], t->shape.rank, t->shape.dims);
        for (int64_t k = 0; k < count_of(a); k++) {
            float value;
            memcpy(&value, (const char *)t->data + (size_t)k * sizeof value, sizeof value);
            a->data[k] = (double)value;
        }
    }
}

void wide_free(wide_net *net) {
    for (size_t i = 0; i < net->graph->n_values; i++) free(net->values[i].data);
    free(net->values);
}

wide_array *wide_parameter(wide_net *net, const char *name) {
    const eki_value *value = eki_graph_find(net->graph, name);
    assert_non_null(value);
    return &net->values[value->id];
}

static double at(const wide_array *x, int64_t n, int64_t c, int64_t h, int64_t w) {
    if (h < 0 || w < 0 || h >= x->dims[2] || w >= x->dims[3]) return 0;
    return x->data[((n * x->dims[1] + c) * x->dims[2] + h) * x->dims[3] + w];
}

static double dot(const wide_array *x, const wide_array *w, int64_t n, int64_t m, int64_t top, int64_t left) {
    double sum = 0;
    for (int64_t c = 0; c < w->dims[1]; c++) {
        for (int64_t i = 0; i < w->dims[2]; i++) {
            for (int64_t j = 0; j < w->dims[3]; j++) {
                double weight = w->data[((m * w->dims[1] + c) * w->dims[2] + i) * w->dims[3] + j];
                sum += weight * at(x, n, c, top + i, left + j);
            }
        }
    }
    return sum;
}

static void convolve(const eki_node *node, const wide_array *x, const wide_array *w, const wide_array *b,
                     wide_array *y) {
    const int64_t *pads, *strides = (const int64_t[]){1, 1};
    size_t n;
    assert_true(eki_node_ints(node, "pads", &pads, &n) && n == 4);
    (void)eki_node_ints(node, "strides", &strides, &n);
    const int64_t h = (x->dims[2] + pads[0] + pads[2] - w->dims[2]) / strides[0] + 1;
    const int64_t v = (x->dims[3] + pads[1] + pads[3] - w->dims[3]) / strides[1] + 1;
    double *to = make(y, 4, (const int64_t[]){x->dims[0], w->dims[0], h, v})->data;
    for (int64_t i = 0; i < count_of(y); i++) {
        int64_t column = i % v, row = i / v % h, m = i / (v * h) % w->dims[0], example = i / (v * h * w->dims[0]);
        to[i] = dot(x, w, example, m, row * strides[0] - pads[0], column * strides[1] - pads[1]);
        if (b != NULL) to[i] += b->data[m];
    }
}

static void normalize(const eki_node *node, const wide_array *x, const wide_array *scale, const wide_array *bias,
                      wide_array *y) {
    const double epsilon = (double)eki_node_float(node, "epsilon", 1e-5f);
    int64_t channels = x->dims[1], space = 1, count = count_of(make(y, x->rank, x->dims));
    for (int i = 2; i < x->rank; i++) space *= x->dims[i];
    for (int64_t c = 0; c < channels; c++) {
        double mean = 0, square = 0, n = (double)(count / channels);
        for (int64_t i = 0; i < count; i++) mean += i / space % channels == c ? x->data[i] / n : 0;
        for (int64_t i = 0; i < count; i++) {
            if (i / space % channels == c) square += (x->data[i] - mean) * (x->data[i] - mean) / n;
        }
        double factor = scale->data[c] / sqrt(square + epsilon);
        for (int64_t i = 0; i < count; i++) {
            if (i / space % channels == c) y->data[i] = (x->data[i] - mean) * factor + bias->data[c];
        }
    }
}

static void average(const wide_array *x, wide_array *y) {
    int64_t space = x->dims[2] * x->dims[3];
    make(y, 4, (const int64_t[]){x->dims[0], x->dims[1], 1, 1});
    for (int64_t i = 0; i < count_of(x); i++) y->data[i / space] += x->data[i] / (double)space;
}

static void flatten(const wide_array *x, wide_array *y) {
    make(y, 2, (const int64_t[]){x->dims[0], count_of(x) / x->dims[0]});
    memcpy(y->data, x->data, (size_t)count_of(x) * sizeof *x->data);
}

/* y = x w' + b */
static void multiply(const eki_node *node, const wide_array *x, const wide_array *w, const wide_array *b,
                     wide_array *y) {
    assert_int_equal(eki_node_int(node, "transB", 0), 1);
    const int64_t rows = x->dims[0], columns = w->dims[0], inner = x->dims[1];
    make(y, 2, (const int64_t[]){rows, columns});
    for (int64_t i = 0; i < rows * columns; i++) {
        y->data[i] = b != NULL ? b->data[i % columns] : 0;
        for (int64_t k = 0; k < inner; k++) {
            y->data[i] += x->data[i / columns * inner + k] * w->data[i % columns * inner + k];
        }
    }
}

static void run(wide_net *net, const eki_node *node) {
    const wide_array *in[3] = {NULL, NULL, NULL};
    for (int i = 0; i < node->n_in && i < 3; i++) in[i] = node->in[i] != NULL ? &net->values[node->in[i]->id] : NULL;
    wide_array *out = &net->values[node->out[0]->id];
    if (strcmp(node->op_type, "Conv") == 0) {
        convolve(node, in[0], in[1], in[2], out);
    } else if (strcmp(node->op_type, "BatchNormalization") == 0) {
        normalize(node, in[0], in[1], in[2], out);
    } else if (strcmp(node->op_type, "Gemm") == 0) {
        multiply(node, in[0], in[1], in[2], out);
    } else if (strcmp(node->op_type, "GlobalAveragePool") == 0) {
        average(in[0], out);
    } else if (strcmp(node->op_type, "Flatten") == 0) {
        flatten(in[0], out);
    } else if (strcmp(node->op_type, "Tanh") == 0) {
        make(out, in[0]->rank, in[0]->dims);
        for (int64_t i = 0; i < count_of(out); i++) out->data[i] = tanh(in[0]->data[i]);
    } else {
        fail_msg("no f64 form of %s", node->op_type);
    }
}

double wide_loss(wide_net *net, const float *images, const int32_t *labels, int64_t count, int extent) {
    const eki_graph *g = net->graph;
    int64_t channels = g->inputs[0]->shape.dims[1];
    wide_array *x = make(&net->values[g->inputs[0]->id], 4, (const int64_t[]){count, channels, extent, extent});
    for (int64_t i = 0; i < count_of(x); i++) x->data[i] = (double)images[i];
    for (size_t i = 0; i < g->n_nodes; i++) run(net, g->nodes[i]);
    const wide_array *y = &net->values[g->outputs[0]->id];
    double loss = 0;
    for (int64_t r = 0; r < count; r++) {
        const double *row = y->data + r * y->dims[1];
        double sum = 0;
        for (int64_t k = 0; k < y->dims[1]; k++) sum += exp(row[k]);
        loss += (log(sum) - row[labels[r]]) / (double)count;
    }
    return loss;
}
