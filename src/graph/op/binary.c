/* binary.c: Add, Sub, Mul, Div, Pow, Mod and PRelu with broadcasting. ONNX opsets 1 to 23.
 *
 * From opset 7 on shapes broadcast as in numpy. Before, `broadcast` = 1 aligns the second input at `axis` (default: at
 * the right); it is then the same as numpy's rule on a shape padded with ones. f32, and whole numbers but u64
 * (wrapping; division by zero is an error); base and exponent of Pow may be of two types. Gradients of broadcast inputs
 * are first computed per element and then summed in f64 in row-major order. Tensors of one shape, and a tensor and a
 * number that wants no gradient, are worked on in whatever layout they come, the padding of blocked layouts being made
 * zero again; without gradients so are a tensor and a number for each of its channels.
 */
#include "graph/op/op_channels.h"

#include <math.h>
#include <string.h>

/* Up to PRELU f(0, 0) is 0. */
typedef enum kind { ADD, SUB, MUL, PRELU, DIV, MOD, POW } kind;

/* The second input's shape as numpy's rule wants it. */
static eki_shape aligned(const eki_node *node, int64_t opset, const eki_shape *a, const eki_shape *b) {
    int64_t axis = eki_node_int(node, "axis", (int64_t)a->rank - b->rank);
    eki_shape shape = {.rank = a->rank};
    if (opset >= 7 || eki_node_int(node, "broadcast", 0) == 0 || a->rank < 0 || b->rank < 0) return *b;
    if (axis < 0) axis += a->rank;
    if (axis < 0 || axis > a->rank - b->rank) return *b;
    for (int i = 0; i < a->rank; i++) {
        int j = i - (int)axis;
        shape.dims[i] = j >= 0 && j < b->rank ? b->dims[j] : 1;
    }
    return shape;
}

static bool is_number(ek_dtype dtype) { return dtype == EK_F32 || eki_is_whole(dtype); }

static ek_status infer(eki_infer *infer, eki_step_fn forward) {
    eki_shape out;
    EKI_TRY(eki_infer_inputs(infer, 2, 2));
    ek_dtype dtype = infer->in[0].dtype;
    const eki_shape *a = &infer->in[0].shape, *b = &infer->in[1].shape;
    bool mixed = infer->node->op == EKI_OP_Pow && infer->opset >= 12;
    if ((dtype != infer->in[1].dtype && !mixed) || !is_number(dtype) || !is_number(infer->in[1].dtype)) {
        return eki_infer_fail(
            infer, EK_ERR_DTYPE,
            "inputs are %s and %s; both must be float32 or of one type of whole numbers, i8 to i64 or "
            "u8 to u32",
            eki_dtype_name(dtype), eki_dtype_name(infer->in[1].dtype));
    }
    eki_shape second = aligned(infer->node, infer->opset, a, b);
    if (infer->opset < 7 && eki_node_int(infer->node, "broadcast", 0) == 0 && eki_shape_known(a) &&
        eki_shape_known(b) && !eki_shape_equal(a, b)) {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "shapes differ and attribute broadcast is not set (opset %lld)",
                              (long long)infer->opset);
    }
    EKI_TRY(eki_infer_broadcast_pair(infer, a, &second, &out));
    eki_infer_set(infer, 0, dtype, &out);
    return forward != NULL ? eki_infer_fold(infer, forward) : EK_OK;
}

/* Which input has a number for each channel of the other, which then stays in its layout; -1 = neither. */
static int per_channel(const eki_step *step, kind k) {
    bool wanted = step->want_din[0] || step->want_din[1];
    for (int i = 1; i >= (k == ADD || k == MUL ? 0 : 1) && k <= PRELU && !wanted; i--) {
        const eki_view *x = &step->in[1 - i];
        if (x->dtype != EK_F32 || x->layout == EK_LAYOUT_NCHW || !eki_shape_equal(&x->shape, &step->out[0].shape))
            continue;
        eki_shape of = aligned(step->node, step->opset, &step->in[0].shape, &step->in[1].shape);
        if (eki_is_per_channel(&x->shape, i == 1 ? &of : &step->in[0].shape)) return i;
    }
    return -1;
}

/* Which input is one number beside a tensor of float32, of which any layout will do; -1 = neither. */
static int lone_number(const eki_step *step) {
    for (int i = 1; i >= 0; i--) {
        const eki_view *x = &step->in[1 - i];
        bool fits = eki_view_elements(&step->in[i]) == 1 && step->in[i].dtype == EK_F32 && x->dtype == EK_F32;
        if (fits && !step->want_din[i] && eki_shape_equal(&x->shape, &step->out[0].shape)) return i;
    }
    return -1;
}

static ek_status prepare_number(eki_step *step, int of) {
    step->in_layout[of] = EK_LAYOUT_NCHW;
    step->out[0].layout = step->in[1 - of].layout;
    step->in_place = 1u << (1 - of);
    return EK_OK;
}

static ek_status prepare(eki_step *step, ek_error *err, kind k) {
    bool same = eki_same_shape(&step->in[0], &step->in[1]);
    bool wanted = step->want_din[0] || step->want_din[1];
    step->keep_in[0] = (step->want_din[1] && k != ADD && k != SUB) || (step->want_din[0] && (k == POW || k == PRELU));
    step->keep_in[1] =
        (step->want_din[0] && k != ADD && k != SUB && k != MOD) || (step->want_din[1] && (k == DIV || k == POW));
    if (wanted && !same) step->scratch_bytes = eki_size_of(eki_view_elements(&step->out[0]), sizeof(float)).bytes;
    step->in_place = same && step->in[0].dtype == EK_F32 ? EKI_ANY_INPUT : 0;
    bool real = step->in[0].dtype == EK_F32 && step->in[1].dtype == EK_F32;
    int of = same ? -1 : lone_number(step);
    if (of < 0 && !same) of = per_channel(step, k);
    if (of >= 0) return prepare_number(step, of);
    return same && real ? eki_prepare_same_layout(step, err) : eki_prepare_plain(step, err);
}

/* ---- forward ---- */

static inline float apply(kind k, float a, float b) {
    switch (k) {
    case ADD: return a + b;
    case SUB: return a - b;
    case MUL: return a * b;
    case PRELU: return a < 0.0f ? a * b : a;
    case DIV: return a / b;
    case MOD: return fmodf(a, b);
    default: return powf(a, b);
    }
}

typedef struct job {
    kind k;
    int wanted;             /* backward: gradient of which input */
    bool c_sign;            /* Mod: the remainder has the sign of the dividend */
    ek_dtype dtype, second; /* of a and y, and of b */
    const void *a, *b;
    const float *dy;
    void *y;
} job;

/* At most EKI_LINE elements, by way of buffers, since the result may lie where an input lies. Inlined for each kind, so
 * that the compiler sees one operation. */
static inline __attribute__((always_inline)) void line(kind k, float *y, const float *a, const float *b, int64_t sb,
                                                       size_t n) {
    float first[EKI_LINE], second[EKI_LINE];
    memcpy(first, a, n * sizeof *a);
    if (sb == 0) {
        const float number = *b;
        for (size_t i = 0; i < n; i++) y[i] = apply(k, first[i], number);
        return;
    }
    memcpy(second, b, n * sizeof *b);
    for (size_t i = 0; i < n; i++) y[i] = apply(k, first[i], second[i]);
}

static inline __attribute__((always_inline)) void rows(kind k, float *y, const float *a, int64_t sa, const float *b,
                                                       int64_t sb, size_t n) {
    bool lines = sa == 1 && (sb == 1 || sb == 0);
    for (size_t at = 0, part; lines && at < n; at += part) {
        part = n - at < EKI_LINE ? n - at : EKI_LINE;
        line(k, y + at, a + at, b + (int64_t)at * sb, sb, part);
    }
    for (size_t i = 0; !lines && i < n; i++) y[i] = apply(k, a[(int64_t)i * sa], b[(int64_t)i * sb]);
}

EKI_VECTORS static void forward_row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    const float *a = (const float *)j->a + offset[0], *b = (const float *)j->b + offset[1];
    float *y = (float *)j->y + out;
    switch (j->k) {
    case ADD: rows(ADD, y, a, step[0], b, step[1], n); break;
    case SUB: rows(SUB, y, a, step[0], b, step[1], n); break;
    case MUL: rows(MUL, y, a, step[0], b, step[1], n); break;
    case PRELU: rows(PRELU, y, a, step[0], b, step[1], n); break;
    case DIV: rows(DIV, y, a, step[0], b, step[1], n); break;
    case MOD: rows(MOD, y, a, step[0], b, step[1], n); break;
    case POW: rows(POW, y, a, step[0], b, step[1], n); break;
    }
}

static inline __attribute__((always_inline)) void lanes(kind k, const float *x, const float *of, float *y, int64_t rows,
                                                        int64_t n) {
    for (int64_t r = 0; r < rows; r++, x += n, y += n) {
        for (int64_t l = 0; l < n; l++) y[l] = apply(k, x[l], of[l]);
    }
}

/* Of constant length where it is that of a block. */
static inline __attribute__((always_inline)) void any_lanes(kind k, const float *x, const float *of, float *y,
                                                            int64_t rows, int64_t n) {
    if (n == 8)
        lanes(k, x, of, y, rows, 8);
    else if (n == 16)
        lanes(k, x, of, y, rows, 16);
    else
        lanes(k, x, of, y, rows, n);
}

EKI_VECTORS static void forward_channels(void *argument, const float *x, const float *of, float *y, int64_t rows,
                                         int64_t n) {
    switch (*(const kind *)argument) {
    case ADD: any_lanes(ADD, x, of, y, rows, n); break;
    case SUB: any_lanes(SUB, x, of, y, rows, n); break;
    case MUL: any_lanes(MUL, x, of, y, rows, n); break;
    default: any_lanes(PRELU, x, of, y, rows, n); break;
    }
}

static int64_t apply_int(const job *j, int64_t a, int64_t b) {
    uint64_t ua = (uint64_t)a, ub = (uint64_t)b, power = 1;
    switch (j->k) {
    case ADD: return (int64_t)(ua + ub);
    case SUB: return (int64_t)(ua - ub);
    case MUL: return (int64_t)(ua * ub);
    case DIV: return b == -1 ? (int64_t)(0 - ua) : a / b;
    case MOD: return b == -1 ? 0 : a % b + (!j->c_sign && a % b != 0 && (a % b < 0) != (b < 0) ? b : 0);
    default: break;
    }
    for (; ub != 0; ub >>= 1, ua *= ua) {
        if (ub & 1) power *= ua;
    }
    return (int64_t)power;
}

static void forward_row_int(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    for (size_t i = 0; i < n; i++) {
        int64_t a = eki_load_int(j->dtype, j->a, offset[0] + (int64_t)i * step[0]);
        int64_t b = eki_load_int(j->second, j->b, offset[1] + (int64_t)i * step[1]);
        int64_t y = apply_int(j, a, b);
        eki_store_int(j->dtype, j->y, (int64_t)(out + i), y);
    }
}

static float real(ek_dtype dtype, const void *data, int64_t at) {
    return dtype == EK_F32 ? ((const float *)data)[at] : (float)eki_load_int(dtype, data, at);
}

/* The type of y is that of the base: cut off, and as near as it has one. */
static int64_t whole(double v) {
    if (v != v) return 0;
    return v >= 0x1p63 ? INT64_MAX : v < -0x1p63 ? INT64_MIN : (int64_t)v;
}

static void forward_row_mixed(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    for (size_t i = 0; i < n; i++) {
        int64_t at = offset[0] + (int64_t)i * step[0];
        float b = real(j->second, j->b, offset[1] + (int64_t)i * step[1]);
        if (j->dtype == EK_F32)
            ((float *)j->y)[out + i] = powf(((const float *)j->a)[at], b);
        else
            eki_store_int(j->dtype, j->y, (int64_t)(out + i), whole(pow((double)eki_load_int(j->dtype, j->a, at), b)));
    }
}

/* Integer division by zero and negative powers have no value. */
static ek_status check_ints(const eki_step *step, ek_error *err, kind k) {
    size_t count = eki_view_elements(&step->in[1]);
    for (size_t i = 0; i < count && k >= DIV; i++) {
        int64_t b = eki_load_int(step->in[1].dtype, step->in[1].data, (int64_t)i);
        if (k != POW && b == 0) return eki_step_fail(step, err, EK_ERR_ARG, "integer division by zero");
        if (k == POW && b < 0) return eki_step_fail(step, err, EK_ERR_ARG, "negative power of an integer");
    }
    return EK_OK;
}

static void make_walk(const eki_step *step, eki_walk *walk) {
    if (eki_same_shape(&step->in[0], &step->in[1])) {
        eki_walk_flat(walk, eki_view_elements(&step->out[0]));
        return;
    }
    int of = lone_number(step);
    if (of >= 0) {
        static const int64_t strides[2][1] = {{1}, {0}};
        eki_walk_init(walk, &(eki_shape){.rank = 1, .dims = {(int64_t)eki_view_elements(&step->out[0])}});
        for (int i = 0; i < 2; i++) eki_walk_add(walk, strides[i == of]);
        return;
    }
    eki_shape second = aligned(step->node, step->opset, &step->in[0].shape, &step->in[1].shape);
    eki_walk_init(walk, &step->out[0].shape);
    eki_walk_add_broadcast(walk, &step->in[0].shape);
    eki_walk_add_broadcast(walk, &second);
}

static ek_status forward(eki_step *step, ek_error *err, kind k) {
    eki_walk walk;
    ek_dtype first = step->in[0].dtype, second = step->in[1].dtype;
    bool ints = first != EK_F32 && second != EK_F32;
    bool plain = step->out[0].layout == EK_LAYOUT_NCHW || eki_same_shape(&step->in[0], &step->in[1]);
    int of = plain || lone_number(step) >= 0 ? -1 : per_channel(step, k);
    if (of >= 0) {
        eki_channels_run(step, &step->in[1 - of], &step->in[of], forward_channels, &k);
        return EK_OK;
    }
    job j = {
        .k = k, .dtype = first, .second = second, .a = step->in[0].data, .b = step->in[1].data, .y = step->out[0].data};
    j.c_sign = eki_node_int(step->node, "fmod", 0) != 0;
    if (ints) EKI_TRY(check_ints(step, err, k));
    make_walk(step, &walk);
    eki_walk_run(step, &walk, ints ? forward_row_int : first == second ? forward_row : forward_row_mixed, &j);
    eki_clean_padding(step, j.y);
    return EK_OK;
}

/* ---- backward ---- */

static inline float gradient(kind k, int wanted, float a, float b, float dy) {
    switch (k) {
    case ADD: return dy;
    case SUB: return wanted == 0 ? dy : -dy;
    case MUL: return wanted == 0 ? dy * b : dy * a;
    case MOD: return dy; /* of the dividend only */
    case PRELU: return wanted == 0 ? (a < 0.0f ? dy * b : dy) : a < 0.0f ? dy * a : 0.0f;
    case DIV: return wanted == 0 ? dy / b : -dy * (a / b) / b;
    default: break;
    }
    if (wanted == 0) return b == 0.0f ? 0.0f : dy * b * powf(a, b - 1.0f);
    return a == 0.0f && b > 0.0f ? 0.0f : dy * powf(a, b) * logf(a);
}

/* Whether the gradient of input i is that of the result, unchanged. */
static bool passes_through(kind k, int i) { return k == ADD || k == MOD || (k == SUB && i == 0); }

EKI_VECTORS static void backward_row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    const float *a = (const float *)j->a + offset[0];
    bool linear = j->k == ADD || j->k == SUB || j->k == MOD; /* a and b are not kept */
    float *da = (float *)j->y + out;
    if (passes_through(j->k, j->wanted)) {
        memcpy(da, j->dy + out, n * sizeof *da);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        float va = linear ? 0.0f : a[(int64_t)i * step[0]],
              vb = linear ? 0.0f : real(j->second, j->b, offset[1] + (int64_t)i * step[1]);
        da[i] = gradient(j->k, j->wanted, va, vb, j->dy[out + i]);
    }
}

static ek_status backward(eki_step *step, ek_error *err, kind k) {
    (void)err;
    const eki_shape *full = &step->out[0].shape;
    eki_shape shapes[2] = {step->in[0].shape, step->in[1].shape};
    shapes[1] = aligned(step->node, step->opset, &shapes[0], &shapes[1]);
    for (int i = 0; i < 2; i++) {
        eki_walk walk;
        if (step->din[i] == NULL) continue;
        if (step->dout[0] == NULL) {
            memset(step->din[i], 0, eki_view_bytes(&step->in[i]));
            continue;
        }
        bool whole = eki_shape_equal(&step->in[i].shape, full), direct = passes_through(k, i);
        job j = {.k = k,
                 .wanted = i,
                 .second = step->in[1].dtype,
                 .a = step->in[0].data,
                 .b = step->in[1].data,
                 .dy = step->dout[0]};
        j.y = whole ? step->din[i] : step->scratch;
        if (whole || !direct) {
            make_walk(step, &walk);
            eki_walk_run(step, &walk, backward_row, &j);
            eki_clean_padding(step, j.y);
        }
        if (!whole) eki_reduce_to(step, direct ? step->dout[0] : step->scratch, full, &shapes[i], step->din[i]);
    }
    return EK_OK;
}

/* ---- the operators ---- */

ek_status eki_op_Add_infer(eki_infer *i) { return infer(i, eki_op_Add_forward); }
ek_status eki_op_Add_prepare(eki_step *step, ek_error *err) { return prepare(step, err, ADD); }
ek_status eki_op_Add_forward(eki_step *step, ek_error *err) { return forward(step, err, ADD); }
ek_status eki_op_Add_backward(eki_step *step, ek_error *err) { return backward(step, err, ADD); }

ek_status eki_op_Sub_infer(eki_infer *i) { return infer(i, eki_op_Sub_forward); }
ek_status eki_op_Sub_prepare(eki_step *step, ek_error *err) { return prepare(step, err, SUB); }
ek_status eki_op_Sub_forward(eki_step *step, ek_error *err) { return forward(step, err, SUB); }
ek_status eki_op_Sub_backward(eki_step *step, ek_error *err) { return backward(step, err, SUB); }

ek_status eki_op_Mul_infer(eki_infer *i) { return infer(i, eki_op_Mul_forward); }
ek_status eki_op_Mul_prepare(eki_step *step, ek_error *err) { return prepare(step, err, MUL); }
ek_status eki_op_Mul_forward(eki_step *step, ek_error *err) { return forward(step, err, MUL); }
ek_status eki_op_Mul_backward(eki_step *step, ek_error *err) { return backward(step, err, MUL); }

ek_status eki_op_Div_infer(eki_infer *i) { return infer(i, eki_op_Div_forward); }
ek_status eki_op_Div_prepare(eki_step *step, ek_error *err) { return prepare(step, err, DIV); }
ek_status eki_op_Div_forward(eki_step *step, ek_error *err) { return forward(step, err, DIV); }
ek_status eki_op_Div_backward(eki_step *step, ek_error *err) { return backward(step, err, DIV); }

ek_status eki_op_Pow_infer(eki_infer *i) { return infer(i, eki_op_Pow_forward); }
ek_status eki_op_Pow_prepare(eki_step *step, ek_error *err) { return prepare(step, err, POW); }
ek_status eki_op_Pow_forward(eki_step *step, ek_error *err) { return forward(step, err, POW); }
ek_status eki_op_Pow_backward(eki_step *step, ek_error *err) { return backward(step, err, POW); }

ek_status eki_op_Mod_infer(eki_infer *i) {
    if (i->in[0].dtype == EK_F32 && eki_node_int(i->node, "fmod", 0) == 0) {
        return eki_infer_fail(i, EK_ERR_FORMAT, "needs fmod=1 for float32");
    }
    return infer(i, eki_op_Mod_forward);
}
ek_status eki_op_Mod_prepare(eki_step *step, ek_error *err) { return prepare(step, err, MOD); }
ek_status eki_op_Mod_forward(eki_step *step, ek_error *err) { return forward(step, err, MOD); }
ek_status eki_op_Mod_backward(eki_step *step, ek_error *err) { return backward(step, err, MOD); }

ek_status eki_op_PRelu_infer(eki_infer *i) {
    EKI_TRY(infer(i, NULL));
    if (i->in[0].dtype != EK_F32) return eki_infer_f32(i, 0);
    const eki_shape *x = &i->in[0].shape;
    if (!eki_shape_known(x) || !eki_shape_known(&i->out[0].shape) || eki_shape_equal(x, &i->out[0].shape)) return EK_OK;
    return eki_infer_fail(i, EK_ERR_SHAPE, "the slope does not broadcast to the input");
}
ek_status eki_op_PRelu_prepare(eki_step *step, ek_error *err) { return prepare(step, err, PRELU); }
ek_status eki_op_PRelu_forward(eki_step *step, ek_error *err) { return forward(step, err, PRELU); }
ek_status eki_op_PRelu_backward(eki_step *step, ek_error *err) { return backward(step, err, PRELU); }

EKI_OPERATOR(Add, .diff_inputs = 0x3, EKI_ALL_OF(Add));
EKI_OPERATOR(Sub, .diff_inputs = 0x3, EKI_ALL_OF(Sub));
EKI_OPERATOR(Mul, .diff_inputs = 0x3, EKI_ALL_OF(Mul));
EKI_OPERATOR(Div, .diff_inputs = 0x3, EKI_ALL_OF(Div));
EKI_OPERATOR(Pow, .diff_inputs = 0x3, EKI_ALL_OF(Pow));
EKI_OPERATOR(Mod, .diff_inputs = 0x1, EKI_ALL_OF(Mod));
EKI_OPERATOR(PRelu, .since = 7, .diff_inputs = 0x3, EKI_ALL_OF(PRelu));
