/* comparison.c: Equal, Less, Greater, LessOrEqual, GreaterOrEqual; And, Or, Xor, Not. ONNX opsets 7 to 23,
 * broadcasting.
 *
 * Numbers are compared as f64 or int64, which hold every f32 and every integer exactly; a comparison with NaN is
 * false. Results are bool; nothing has a gradient, so that none is asked for.
 */
#include "graph/op/op_common.h"

typedef enum kind { EQUAL, LESS, GREATER, LESS_EQUAL, GREATER_EQUAL, AND, OR, XOR } kind;

static ek_status infer(eki_infer *infer, bool logic, eki_step_fn forward) {
    eki_shape out;
    EKI_TRY(eki_infer_inputs(infer, 2, 2));
    ek_dtype dtype = infer->in[0].dtype;
    bool number = dtype == EK_F32 || dtype == EK_F64 || eki_is_int(dtype) || dtype == EK_BOOL;
    if (dtype != infer->in[1].dtype || !number || (logic && dtype != EK_BOOL)) {
        return eki_infer_fail(infer, EK_ERR_DTYPE, "inputs are %s and %s; both must be %s", eki_dtype_name(dtype),
                              eki_dtype_name(infer->in[1].dtype), logic ? "bool" : "f32, f64, i32, i64 or bool");
    }
    EKI_TRY(eki_infer_broadcast_pair(infer, &infer->in[0].shape, &infer->in[1].shape, &out));
    eki_infer_set(infer, 0, EK_BOOL, &out);
    return eki_infer_fold(infer, forward);
}

typedef struct job {
    kind k;
    ek_dtype dtype;
    const void *a, *b;
    uint8_t *y;
} job;

#define APPLY(k, a, b)                                                                                                 \
    ((k) == EQUAL        ? (a) == (b)                                                                                  \
     : (k) == LESS       ? (a) < (b)                                                                                   \
     : (k) == GREATER    ? (a) > (b)                                                                                   \
     : (k) == LESS_EQUAL ? (a) <= (b)                                                                                  \
                         : (a) >= (b))

static bool holds_int(kind k, int64_t a, int64_t b) {
    switch (k) {
    case AND: return a != 0 && b != 0;
    case OR: return a != 0 || b != 0;
    case XOR: return (a != 0) != (b != 0);
    default: return APPLY(k, a, b);
    }
}

static double load_real(ek_dtype dtype, const void *data, int64_t index) {
    return dtype == EK_F32 ? (double)((const float *)data)[index] : ((const double *)data)[index];
}

static void row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    bool real = j->dtype == EK_F32 || j->dtype == EK_F64;
    for (size_t i = 0; i < n; i++) {
        int64_t ia = offset[0] + (int64_t)i * step[0], ib = offset[1] + (int64_t)i * step[1];
        if (real) {
            double a = load_real(j->dtype, j->a, ia), b = load_real(j->dtype, j->b, ib);
            j->y[out + i] = APPLY(j->k, a, b);
        } else {
            j->y[out + i] = holds_int(j->k, eki_load_int(j->dtype, j->a, ia), eki_load_int(j->dtype, j->b, ib));
        }
    }
}

static ek_status forward(eki_step *step, kind k) {
    eki_walk walk;
    job j = {k, step->in[0].dtype, step->in[0].data, step->in[1].data, step->out[0].data};
    eki_walk_init(&walk, &step->out[0].shape);
    eki_walk_add_broadcast(&walk, &step->in[0].shape);
    eki_walk_add_broadcast(&walk, &step->in[1].shape);
    eki_walk_run(step, &walk, row, &j);
    return EK_OK;
}

#define COMPARE(op, k, logic)                                                                                          \
    ek_status eki_op_##op##_infer(eki_infer *i) { return infer(i, logic, eki_op_##op##_forward); }                     \
    ek_status eki_op_##op##_forward(eki_step *step, ek_error *err) {                                                   \
        (void)err;                                                                                                     \
        return forward(step, k);                                                                                       \
    }                                                                                                                  \
    EKI_OPERATOR(op, .since = 7, .infer = eki_op_##op##_infer, .forward = eki_op_##op##_forward,                       \
                 .backward = eki_flat_backward);

COMPARE(Equal, EQUAL, false)
COMPARE(Less, LESS, false)
COMPARE(Greater, GREATER, false)
COMPARE(LessOrEqual, LESS_EQUAL, false)
COMPARE(GreaterOrEqual, GREATER_EQUAL, false)
COMPARE(And, AND, true)
COMPARE(Or, OR, true)
COMPARE(Xor, XOR, true)

ek_status eki_op_Not_infer(eki_infer *i) {
    EKI_TRY(eki_infer_inputs(i, 1, 1));
    if (i->in[0].dtype != EK_BOOL) {
        return eki_infer_fail(i, EK_ERR_DTYPE, "input 0 is %s, expected bool", eki_dtype_name(i->in[0].dtype));
    }
    EKI_TRY(eki_infer_same(i));
    return eki_infer_fold(i, eki_op_Not_forward);
}

ek_status eki_op_Not_forward(eki_step *step, ek_error *err) {
    (void)err;
    const uint8_t *x = step->in[0].data;
    uint8_t *y = step->out[0].data;
    for (size_t i = 0, n = eki_view_elements(&step->out[0]); i < n; i++) y[i] = x[i] == 0;
    return EK_OK;
}

EKI_OPERATOR(Not, .infer = eki_op_Not_infer, .forward = eki_op_Not_forward, .backward = eki_flat_backward);
