/* site_maker.c: building the graphs of cases. */
#include "site_maker.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OK(call) assert_int_equal(call, EK_OK)

int draw(maker *m, int below) { return (int)eki_random_below(m->random, m->drawn++, (uint64_t)below); }

bool differs(maker *m, site_twin twin) {
    if (m->twin != twin) return false;
    m->twinned = true;
    return true;
}

eki_value *make_value(maker *m) {
    char name[32];
    eki_value *value;
    (void)snprintf(name, sizeof name, "t%d", m->made++);
    OK(eki_graph_value(m->graph, name, &value, NULL));
    return value;
}

eki_node *make_node(maker *m, eki_opcode op, eki_value *const *in, int n_in, eki_value **out) {
    char name[48] = ""; /* some nodes have none */
    eki_node *node;
    if (*out == NULL) *out = make_value(m);
    if (draw(m, 4) != 0) (void)snprintf(name, sizeof name, "/n%d/%s", m->made, eki_op_name(op));
    OK(eki_graph_add_op(m->graph, op, name, in, n_in, out, 1, &node, NULL));
    return node;
}

eki_value *make_op(maker *m, eki_opcode op, eki_value *a, eki_value *b) {
    eki_value *in[2] = {a, b}, *out = NULL;
    (void)make_node(m, op, in, b != NULL ? 2 : 1, &out);
    return out;
}

eki_value *make_middle(maker *m, eki_opcode op, eki_value *a, eki_value *b) {
    eki_value *out = make_op(m, op, a, b);
    if (m->n_middle < MAKER_MIDDLE) m->middle[m->n_middle++] = out;
    return out;
}

static eki_value *add_tensor(maker *m, ek_dtype dtype, int rank, const int64_t *dims, const void *data) {
    eki_shape shape = eki_shape_of(rank, dims);
    eki_value *value = make_value(m);
    OK(eki_graph_add_tensor(m->graph, value->name, dtype, &shape, &value, NULL));
    memcpy(value->init->data, data, value->init->bytes);
    return value;
}

/* The initializer becomes the result of a Constant node. */
static void sink(maker *m, eki_value *value) {
    eki_node *node;
    eki_attr *attr;
    eki_tensor *tensor;
    OK(eki_tensor_create(m->graph, value->init->dtype, &value->init->shape, &tensor, NULL));
    memcpy(tensor->data, value->init->data, tensor->bytes);
    tensor->stored = value->init->stored;
    if (value->init->owned) eki_free(value->init->data);
    value->init = NULL;
    value->shape.rank = -1;
    value->dtype = EK_DTYPE_NONE;
    OK(eki_graph_add_op(m->graph, EKI_OP_Constant, "", NULL, 0, &value, 1, &node, NULL));
    OK(eki_node_attr_slot(m->graph, node, "value", &attr, NULL));
    attr->type = EKI_ATTR_TENSOR;
    attr->t = tensor;
}

eki_value *make_scalar(maker *m, double number) {
    float single = (float)number;
    int64_t one = 1;
    eki_node *node;
    eki_value *value = NULL;
    int form = draw(m, 4);
    if (form == 3 && m->opset >= 12) {
        node = make_node(m, EKI_OP_Constant, NULL, 0, &value);
        OK(eki_node_set_float(m->graph, node, "value_float", single, NULL));
        return value;
    }
    value = add_tensor(m, EK_F32, form == 1 ? 1 : 0, &one, &single);
    if (form >= 2) sink(m, value);
    return value;
}

eki_value *make_ints(maker *m, const int64_t *list, int count) {
    int64_t dims = count;
    eki_value *value = add_tensor(m, EK_I64, 1, &dims, list);
    if (draw(m, 2) == 0) sink(m, value);
    return value;
}

eki_value *make_tensor(maker *m, int rank, const int64_t *dims, double low, double high, double *numbers) {
    float data[SPEC_ELEMENTS];
    int64_t count = 1;
    for (int i = 0; i < rank; i++) count *= dims[i];
    for (int64_t i = 0; i < count; i++) {
        double u = eki_random_uniform(m->random, m->drawn++);
        data[i] = (float)(low + (high - low) * u);
        if (m->c->half) data[i] = roundf(data[i] * 64) / 64; /* float16 holds it */
        if (numbers != NULL) numbers[i] = (double)data[i];
    }
    return add_tensor(m, EK_F32, rank, dims, data);
}

/* Behind an Unsqueeze or Reshape, from the shape without leading and trailing ones. */
static eki_value *make_reshaped(maker *m, int rank, const int64_t *dims, double low, double high, double *numbers) {
    int first = 0, last = rank;
    while (first < rank - 1 && dims[first] == 1) first++;
    while (last > first + 1 && dims[last - 1] == 1) last--;
    eki_value *inner = make_tensor(m, last - first, dims + first, low, high, numbers);
    return make_op(m, EKI_OP_Reshape, inner, make_ints(m, dims, rank));
}

eki_value *make_parameter(maker *m, int rank, const int64_t *dims, double low, double high, double *numbers) {
    int form = draw(m, 6);
    if (form == 0 && m->opset >= 5 && rank > 0) return make_reshaped(m, rank, dims, low, high, numbers);
    eki_value *value = make_tensor(m, rank, dims, low, high, numbers);
    if (form == 1) sink(m, value);
    if (form == 2) return make_op(m, EKI_OP_Identity, value, NULL);
    return value;
}

static void set_axes(maker *m, eki_node *node, unsigned axes, int rank) {
    int64_t list[EKI_MAX_RANK];
    int count = 0;
    bool negative = m->opset >= 11 && draw(m, 2) == 0;
    for (int i = 0; i < rank; i++) {
        if (axes >> i & 1) list[count++] = negative ? i - rank : i;
    }
    if (m->opset < 18) {
        OK(eki_node_set_ints(m->graph, node, "axes", list, (size_t)count, NULL));
        return;
    }
    eki_value *in[2] = {node->in[0], make_ints(m, list, count)};
    node->in = eki_arena_memdup(&m->graph->arena, in, eki_sized(sizeof in));
    node->n_in = 2;
}

static int axes_rank(const maker *m) { return m->c->spec.rank; }

eki_value *make_mean(maker *m, eki_value *of, unsigned axes) {
    eki_value *out = NULL;
    eki_node *node = make_node(m, EKI_OP_ReduceMean, &of, 1, &out);
    if (m->n_middle < MAKER_MIDDLE) m->middle[m->n_middle++] = out;
    set_axes(m, node, axes, axes_rank(m));
    if (draw(m, 2) == 0) OK(eki_node_set_int(m->graph, node, "keepdims", 1, NULL));
    return out;
}

eki_value *make_sum_square(maker *m, eki_value *of, unsigned axes, int64_t elements) {
    eki_value *out = NULL;
    eki_node *node = make_node(m, EKI_OP_ReduceSumSquare, &of, 1, &out);
    if (m->n_middle < MAKER_MIDDLE) m->middle[m->n_middle++] = out;
    set_axes(m, node, axes, axes_rank(m));
    if (draw(m, 2) == 0) return make_middle(m, EKI_OP_Div, out, make_scalar(m, (double)elements));
    return make_middle(m, EKI_OP_Mul, out, make_scalar(m, 1 / (double)elements));
}

void set_shape(maker *m, int rank, const int64_t *dims) {
    m->c->spec.rank = rank;
    memcpy(m->c->spec.dims, dims, (size_t)rank * sizeof *dims);
}

void make_input(maker *m) {
    site_case *c = m->c;
    OK(eki_graph_value(m->graph, "x", &m->x, NULL));
    m->x->dtype = EK_F32;
    m->x->shape = eki_shape_of(c->spec.rank, c->spec.dims);
    if (!c->bare_weight && draw(m, 3) == 0) OK(eki_graph_symbol(m->graph, "N", &m->x->shape.dims[0], NULL));
    OK(eki_graph_add_input(m->graph, m->x, NULL));
    m->x->declared = true;
    for (int64_t i = 0; i < spec_count(&c->spec); i++) {
        /* Spread out, so that no set of few elements has hardly any variance, where float32 loses its digits. */
        double level = 0.6180339887 * (double)i, noise = eki_random_normal(m->random, m->drawn++);
        c->x[i] = (double)(float)(4 * (level - floor(level)) - 1.5 + 0.05 * noise);
        if (c->half) c->x[i] = round(c->x[i] * 64) / 64;
    }
}

static void add_output(maker *m, eki_value *value) {
    value->dtype = EK_F32;
    if (value->shape.rank < 0 && m->twin == TWIN_NONE) {
        value->shape = eki_shape_of(m->c->spec.rank, m->c->spec.dims);
        if (m->x->shape.dims[0] < 0) value->shape.dims[0] = m->x->shape.dims[0];
    }
    value->declared = true;
    OK(eki_graph_add_output(m->graph, value, NULL));
}

/* The result, and whatever else reads a twin's inner values. */
void finish(maker *m, eki_value *y) {
    add_output(m, y);
    if (m->n_middle == 0 || (m->twin != TWIN_READ && m->twin != TWIN_OUTPUT)) return;
    m->twinned = true;
    eki_value *inner = m->middle[draw(m, m->n_middle)];
    add_output(m, m->twin == TWIN_READ ? make_op(m, EKI_OP_Relu, inner, NULL) : inner);
}

void begin_case(maker *m, eki_site_kind kind, eki_spelling spelling, int rank, unsigned axes, int channel_axis) {
    int64_t dims[SPEC_RANK];
    for (int i = 0; i < rank; i++) dims[i] = 2 + draw(m, 4);
    dims[rank > 1 ? 1 : 0] = 6;
    if (channel_axis > 1) dims[channel_axis] = 6;
    set_shape(m, rank, dims);
    m->c->spec.kind = kind;
    m->c->spelling = spelling;
    m->c->spec.axes = axes;
    m->c->spec.channel_axis = channel_axis;
    m->c->spec.epsilon = (double)(draw(m, 2) == 0 ? 1e-5F : 1e-3F);
    make_input(m);
}

void at_opset(maker *m, int64_t opset) {
    m->opset = opset;
    OK(eki_graph_add_opset(m->graph, "", opset, NULL));
}

/* [C], its numbers kept as the role's. */
eki_value *make_vector(maker *m, eki_role role, double low, double high) {
    double numbers[SPEC_ELEMENTS];
    int64_t channels = m->c->spec.dims[m->c->spec.channel_axis];
    eki_shape shape = eki_shape_of(1, &channels);
    eki_value *p = make_parameter(m, 1, &channels, low, high, numbers);
    spec_parameter(&m->c->spec, role, numbers, &shape, m->c->spec.channel_axis);
    return p;
}

eki_value *make_filled(maker *m, int64_t count, double number) {
    eki_value *p = make_tensor(m, 1, &count, number, number, NULL);
    return draw(m, 2) == 0 ? make_op(m, EKI_OP_Identity, p, NULL) : p;
}

void set_epsilon(maker *m, eki_node *node) {
    if (m->c->spec.epsilon != (double)1e-5F || draw(m, 2) == 0) {
        OK(eki_node_set_float(m->graph, node, "epsilon", (float)m->c->spec.epsilon, NULL));
    }
}

static ek_status sort_one(void *context, eki_graph *graph, ek_error *err) {
    (void)context;
    return eki_graph_sort(graph, err);
}

void site_case_make(int family, uint64_t seed, site_twin twin, site_case *out) {
    static const int64_t opsets[] = {9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21};
    maker m = {.c = out, .twin = twin, .random = eki_random_stream(seed, "site", (uint64_t)family, 0)};
    memset(out, 0, sizeof *out);
    m.opset = opsets[draw(&m, sizeof opsets / sizeof *opsets)];
    OK(eki_graph_create(m.opset, &m.graph, NULL));
    out->graph = m.graph;
    out->spec.groups = 1;
    out->spec.channel_axis = -1;
    m.graph->name = "g";
    site_families[family](&m);
    if (twin != TWIN_NONE && !m.twinned) out->skipped = true;
    (void)snprintf(out->label, sizeof out->label, "%s, seed %llu, opset %d, twin %d", site_family_names[family],
                   (unsigned long long)seed, (int)eki_graph_opset(m.graph, ""), (int)twin);
    if (out->skipped) return;
    OK(eki_graph_resolve(m.graph, NULL));
    OK(eki_graph_each(m.graph, sort_one, NULL, NULL));
    OK(eki_graph_check(m.graph, NULL));
}

void site_case_destroy(site_case *c) { eki_graph_destroy(c->graph); }
