/* constant_ops.c: arithmetic, broadcasting and transposing of constants. */
#include "sites/constant_eval.h"

#include <math.h>

bool eki_broadcast_shape(const eki_shape *a, const eki_shape *b, eki_shape *out) {
    if (a->rank < 0 || b->rank < 0) return false;
    out->rank = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 0; i < out->rank; i++) {
        int ia = i - (out->rank - a->rank), ib = i - (out->rank - b->rank);
        int64_t da = ia < 0 ? 1 : a->dims[ia], db = ib < 0 ? 1 : b->dims[ib];
        if (da != db && da != 1 && db != 1) return false;
        out->dims[i] = da == 1 ? db : da;
    }
    return true;
}

/* Where element `index` of `shape` lies in a tensor that is broadcast or tiled to it. */
static int64_t place_in(const eki_shape *small, const eki_shape *shape, int64_t index) {
    int64_t place = 0, stride = 1;
    for (int i = shape->rank - 1, k = small->rank - 1; k >= 0; i--, k--) {
        int64_t at = index % shape->dims[i];
        index /= shape->dims[i];
        place += at % small->dims[k] * stride;
        stride *= small->dims[k];
    }
    return place;
}

double eki_constant_arithmetic(eki_opcode op, double a, double b) {
    switch (op) {
    case EKI_OP_Add: return a + b;
    case EKI_OP_Sub: return a - b;
    case EKI_OP_Mul: return a * b;
    case EKI_OP_Div: return a / b;
    case EKI_OP_Pow: return pow(a, b);
    case EKI_OP_Sqrt: return sqrt(a);
    case EKI_OP_Reciprocal: return 1 / a;
    default: return -a; /* Neg */
    }
}

ek_status eki_numbers_binary(eki_opcode op, const eki_numbers *a, const eki_numbers *b, eki_numbers *out,
                             ek_error *err) {
    eki_shape shape;
    if (!eki_broadcast_shape(&a->shape, &b->shape, &shape)) {
        return eki_fail(err, EK_ERR_FORMAT, "two constants do not broadcast to each other");
    }
    EKI_TRY(eki_numbers_create(a->dtype, &shape, out, err));
    out->stored = a->stored;
    bool whole = a->dtype != EK_F32 && a->dtype != EK_F64;
    for (int64_t i = 0; i < out->count; i++) {
        double x = a->at[place_in(&a->shape, &shape, i)], y = b->at[place_in(&b->shape, &shape, i)];
        out->at[i] = eki_constant_arithmetic(op, x, y);
        if (whole) out->at[i] = trunc(out->at[i]);
    }
    eki_numbers_round(out);
    return EK_OK;
}

ek_status eki_numbers_expand(const eki_numbers *a, const eki_shape *shape, eki_numbers *out, ek_error *err) {
    EKI_TRY(eki_numbers_create(a->dtype, shape, out, err));
    out->stored = a->stored;
    for (int64_t i = 0; i < out->count; i++) out->at[i] = a->at[place_in(&a->shape, shape, i)];
    return EK_OK;
}

ek_status eki_numbers_transpose(const eki_numbers *a, const int *perm, eki_numbers *out, ek_error *err) {
    eki_shape shape = {.rank = a->shape.rank};
    int64_t strides[EKI_MAX_RANK], stride = 1;
    for (int i = shape.rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= a->shape.dims[i];
    }
    for (int i = 0; i < shape.rank; i++) shape.dims[i] = a->shape.dims[perm[i]];
    EKI_TRY(eki_numbers_create(a->dtype, &shape, out, err));
    out->stored = a->stored;
    for (int64_t i = 0; i < out->count; i++) {
        int64_t rest = i, place = 0;
        for (int k = shape.rank - 1; k >= 0; k--) {
            place += rest % shape.dims[k] * strides[perm[k]];
            rest /= shape.dims[k];
        }
        out->at[i] = a->at[place];
    }
    return EK_OK;
}
