/* array.c: see array.h. */
#include "feed/array.h"

#include "base/half.h"
#include "onnx/graph.h"

#include <string.h>

static bool is_whole(ek_dtype dtype) {
    switch (dtype) {
    case EK_I8:
    case EK_U8:
    case EK_I16:
    case EK_U16:
    case EK_I32:
    case EK_U32:
    case EK_I64:
    case EK_BOOL: return true;
    default: return false;
    }
}

bool eki_array_converts(ek_dtype from, ek_dtype to) {
    if (from == to) return true;
    if (to == EK_F32) return from == EK_F64 || eki_is_half(from) || is_whole(from);
    return to == EK_I64 && is_whole(from);
}

static double wide_at(const ek_batch_array *array, size_t i) {
    const unsigned char *at = (const unsigned char *)array->data + i * eki_dtype_bytes(array->dtype);
    double wide = 0;
    float narrow = 0;
    switch (array->dtype) {
    case EK_F64: memcpy(&wide, at, sizeof wide); return wide;
    case EK_F16:
    case EK_BF16: eki_half_widen(array->dtype, at, &narrow, 1); return (double)narrow;
    default: return 0;
    }
}

/* An integer that may lie anywhere in a mapped file. */
static int64_t whole_at(const ek_batch_array *array, size_t i) {
    size_t bytes = eki_dtype_bytes(array->dtype);
    const unsigned char *at = (const unsigned char *)array->data + i * bytes;
    bool is_signed = array->dtype == EK_I8 || array->dtype == EK_I16 || array->dtype == EK_I32;
    uint64_t bits = 0;
    int64_t value;
    for (size_t b = 0; b < bytes; b++) bits |= (uint64_t)at[b] << (8 * b);
    if (is_signed && bits >> (8 * bytes - 1) != 0) bits |= ~(uint64_t)0 << (8 * bytes);
    memcpy(&value, &bits, sizeof value);
    return value;
}

void eki_array_fill(const ek_batch_array *array, size_t from, size_t count, ek_dtype dtype, void *to) {
    size_t bytes = eki_dtype_bytes(dtype);
    if (array->dtype == dtype) {
        if (count > 0) memcpy(to, (const unsigned char *)array->data + from * bytes, count * bytes);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (dtype == EK_I64) {
            ((int64_t *)to)[i] = whole_at(array, from + i);
        } else {
            bool whole = is_whole(array->dtype);
            ((float *)to)[i] = (float)(whole ? (double)whole_at(array, from + i) : wide_at(array, from + i));
        }
    }
}
