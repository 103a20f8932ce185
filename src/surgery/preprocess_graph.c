/* preprocess_graph.c: what src/data does to an image, as nodes of ONNX, for images of any size.
 *
 * The resize is two products, rows' weights x image x columns' weights, with weights that are computed from the Shape
 * of the pixels: ONNX's own Resize has the triangle filter from opset 18 only, works out its positions in float32, and
 * repeats pixels at the border. Position p of `to` covers, of `from` pixels, those i whose distance
 *
 *     d = |(2p + 1) from - (2i + 1) to|        in units of 1 / (2 to) of a pixel
 *
 * is below r = 2 max(from, to); its weights are (r - d) / sum (r - d). These are the whole numbers of data/resize.c,
 * and as there the quotients and the sums are float64, so that values round to the same bytes: a product in float32
 * depends on its order, and a value of x.5 is common. Constants are Constant nodes: old files may list every
 * initializer as an input.
 */
#include "surgery/preprocess.h"

#include <string.h>

/* Nodes one after the other; after a failure nothing more happens and values are NULL. */
typedef struct maker {
    eki_graph *graph;
    int64_t opset;
    ek_status status;
    ek_error *err;
} maker;

/* The result of an operator, on up to three inputs; into `out` where it is given. */
static eki_value *make(maker *m, eki_opcode op, const char *role, eki_value *a, eki_value *b, eki_value *c,
                       eki_value *out) {
    eki_value *in[3] = {a, b, c};
    eki_node *node;
    int count = c != NULL ? 3 : b != NULL ? 2 : a != NULL ? 1 : 0;
    if (m->status == EK_OK && out == NULL) m->status = eki_edit_fresh(m->graph, "preprocess", role, &out, m->err);
    if (m->status == EK_OK) m->status = eki_graph_add_op(m->graph, op, out->name, in, count, &out, 1, &node, m->err);
    return m->status == EK_OK ? out : NULL;
}

static eki_value *unary(maker *m, eki_opcode op, const char *role, eki_value *a) {
    return make(m, op, role, a, NULL, NULL, NULL);
}

static eki_value *binary(maker *m, eki_opcode op, const char *role, eki_value *a, eki_value *b) {
    return make(m, op, role, a, b, NULL, NULL);
}

static void set_int(maker *m, eki_value *of, const char *name, int64_t value) {
    if (m->status == EK_OK) m->status = eki_node_set_int(m->graph, of->producer, name, value, m->err);
}

static void set_ints(maker *m, eki_value *of, const char *name, const int64_t *values, size_t count) {
    if (m->status == EK_OK) m->status = eki_node_set_ints(m->graph, of->producer, name, values, count, m->err);
}

static eki_value *constant(maker *m, const char *role, ek_dtype dtype, eki_shape shape, const void *data) {
    eki_value *value = make(m, EKI_OP_Constant, role, NULL, NULL, NULL, NULL);
    eki_tensor *tensor = NULL;
    eki_attr *attr;
    if (m->status == EK_OK) m->status = eki_tensor_create(m->graph, dtype, &shape, &tensor, m->err);
    if (m->status == EK_OK) m->status = eki_node_attr_slot(m->graph, value->producer, "value", &attr, m->err);
    if (m->status != EK_OK) return NULL;
    memcpy(tensor->data, data, tensor->bytes);
    attr->type = EKI_ATTR_TENSOR;
    attr->t = tensor;
    return value;
}

static eki_value *whole(maker *m, const char *role, int64_t value) {
    return constant(m, role, EK_I64, (eki_shape){.rank = 0}, &value);
}

static eki_value *wide(maker *m, const char *role, double value) {
    return constant(m, role, EK_F64, (eki_shape){.rank = 0}, &value);
}

static eki_value *real(maker *m, const char *role, float value) {
    return constant(m, role, EK_F32, (eki_shape){.rank = 0}, &value);
}

static eki_value *per_channel(maker *m, const char *role, const float *values, int channels) {
    return constant(m, role, EK_F32, (eki_shape){.rank = 4, .dims = {1, channels, 1, 1}}, values);
}

static eki_value *cast(maker *m, const char *role, eki_value *value, ek_dtype dtype, eki_value *out) {
    eki_value *to = make(m, EKI_OP_Cast, role, value, NULL, NULL, out);
    set_int(m, to, "to", (int64_t)dtype);
    return to;
}

static eki_value *transpose(maker *m, const char *role, eki_value *value, const int64_t *perm, size_t rank) {
    eki_value *to = unary(m, EKI_OP_Transpose, role, value);
    set_ints(m, to, "perm", perm, rank);
    return to;
}

static eki_value *sum(maker *m, const char *role, eki_value *value, int64_t axis) {
    bool by_input = m->opset >= 13;
    eki_value *axes = by_input ? constant(m, "axis", EK_I64, (eki_shape){.rank = 1, .dims = {1}}, &axis) : NULL;
    eki_value *to = binary(m, EKI_OP_ReduceSum, role, value, axes);
    if (!by_input) set_ints(m, to, "axes", &axis, 1);
    set_int(m, to, "keepdims", 1);
    return to;
}

/* 2p + 1 for each position, [to,1]. */
static eki_value *odd_numbers(maker *m, int64_t to) {
    eki_tensor *tensor = NULL;
    eki_shape shape = {.rank = 2, .dims = {to, 1}};
    if (m->status == EK_OK) m->status = eki_tensor_create(m->graph, EK_I64, &shape, &tensor, m->err);
    if (m->status != EK_OK) return NULL;
    for (int64_t p = 0; p < to; p++) ((int64_t *)tensor->data)[p] = 2 * p + 1;
    return constant(m, "positions", EK_I64, shape, tensor->data);
}

/* The weights of one axis, [to,from], for images whose extents are `shape`. */
static eki_value *weights(maker *m, eki_value *shape, int64_t axis, int64_t to) {
    eki_value *from = binary(m, EKI_OP_Gather, "from", shape, whole(m, "axis", axis));
    eki_value *range = make(m, EKI_OP_Range, "sources", whole(m, "zero", 0), from, whole(m, "one", 1), NULL);
    eki_value *source = binary(m, EKI_OP_Mul, "twice", range, whole(m, "step", 2 * to));
    source = binary(m, EKI_OP_Add, "source", source, whole(m, "to", to));
    eki_value *centre = binary(m, EKI_OP_Mul, "centre", odd_numbers(m, to), from);
    eki_value *distance = unary(m, EKI_OP_Abs, "distance", binary(m, EKI_OP_Sub, "offset", centre, source));
    distance = cast(m, "distance", distance, EK_F64, NULL);
    eki_value *larger = binary(m, EKI_OP_Max, "larger", cast(m, "from", from, EK_F64, NULL), wide(m, "to", (double)to));
    eki_value *reach = binary(m, EKI_OP_Mul, "reach", larger, wide(m, "two", 2));
    eki_value *inside = unary(m, EKI_OP_Relu, "inside", binary(m, EKI_OP_Sub, "left", reach, distance));
    return binary(m, EKI_OP_Div, "weights", inside, sum(m, "total", inside, 1));
}

/* [N,C,H,W] of any size to [N,C,height,width] of whole numbers; rows are float32 in between. The half is
 * EKI_RESIZE_HALF of data/resize.h. */
static eki_value *resize(maker *m, eki_value *image, int height, int width) {
    static const int64_t swap[] = {1, 0};
    eki_value *shape = unary(m, EKI_OP_Shape, "shape", image);
    eki_value *across = transpose(m, "across", weights(m, shape, 3, width), swap, 2);
    eki_value *rows = binary(m, EKI_OP_MatMul, "rows", cast(m, "wide", image, EK_F64, NULL), across);
    rows = cast(m, "wide", cast(m, "rows", rows, EK_F32, NULL), EK_F64, NULL);
    eki_value *resized = binary(m, EKI_OP_MatMul, "resized", weights(m, shape, 2, height), rows);
    eki_value *raised = binary(m, EKI_OP_Add, "raised", resized, wide(m, "half", 0.5 + 0x1p-20));
    return cast(m, "rounded", cast(m, "rounded", raised, EK_I32, NULL), EK_F32, NULL);
}

/* eki_luma (data/dataset.h), whose whole numbers float32 holds exactly. */
static eki_value *luma(maker *m, eki_value *image) {
    static const float parts[] = {19595, 38470, 7471};
    eki_value *weighted = binary(m, EKI_OP_Mul, "colours", image, per_channel(m, "luma", parts, 3));
    eki_value *total = binary(m, EKI_OP_Add, "gray", sum(m, "gray", weighted, 1), real(m, "half", 32768));
    eki_value *scaled = binary(m, EKI_OP_Div, "gray", total, real(m, "whole", 65536));
    return unary(m, EKI_OP_Floor, "gray", scaled);
}

static eki_value *normalize(maker *m, eki_value *image, const eki_preparation *p) {
    image = binary(m, EKI_OP_Div, "scaled", image, real(m, "white", 255));
    image = binary(m, EKI_OP_Sub, "centred", image, per_channel(m, "mean", p->mean, p->channels));
    return binary(m, EKI_OP_Div, "normalized", image, per_channel(m, "std", p->std, p->channels));
}

ek_status eki_prepare_pixels(eki_graph *graph, const eki_preparation *p, eki_value *pixels, eki_value *input,
                             ek_error *err) {
    static const int64_t planes[] = {0, 3, 1, 2}, last[] = {0, 2, 3, 1};
    maker m = {.graph = graph, .opset = eki_graph_opset(graph, ""), .err = err};
    eki_value *image = pixels;
    if (p->pixels == EK_PIXELS_U8_NHWC) image = transpose(&m, "planes", image, planes, 4);
    if (p->pixels != EK_PIXELS_FLOAT) image = cast(&m, "values", image, EK_F32, NULL);
    if (p->taken > p->channels) image = luma(&m, image);
    image = resize(&m, image, p->height, p->width);
    image = normalize(&m, image, p); /* a gray image becomes as many planes as there are means */
    if (p->channels_last) image = transpose(&m, "channels_last", image, last, 4);
    /* The Cast is the border: whatever folds or joins constants of the model stops here. */
    (void)cast(&m, "input", image, input->stored != EK_DTYPE_NONE ? input->stored : EK_F32, input);
    return m.status;
}
