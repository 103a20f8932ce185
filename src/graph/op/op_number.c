/* op_number.c: elements of integer tensors of any width, and gradients that are zero. */
#include "graph/op/op_common.h"

#include <string.h>

bool eki_is_int(ek_dtype dtype) { return dtype == EK_I64 || dtype == EK_I32; }

bool eki_is_whole(ek_dtype dtype) {
    switch (dtype) {
    case EK_I8:
    case EK_I16:
    case EK_I32:
    case EK_I64:
    case EK_U8:
    case EK_U16:
    case EK_U32: return true;
    default: return false;
    }
}

int64_t eki_load_int(ek_dtype dtype, const void *data, int64_t index) {
    switch (dtype) {
    case EK_I8: return ((const int8_t *)data)[index];
    case EK_I16: return ((const int16_t *)data)[index];
    case EK_I32: return ((const int32_t *)data)[index];
    case EK_U16: return ((const uint16_t *)data)[index];
    case EK_U32: return ((const uint32_t *)data)[index];
    case EK_I64: return ((const int64_t *)data)[index];
    default: return ((const uint8_t *)data)[index]; /* U8, BOOL */
    }
}

void eki_store_int(ek_dtype dtype, void *data, int64_t index, int64_t value) {
    switch (dtype) {
    case EK_I64: ((int64_t *)data)[index] = value; break;
    case EK_I32: ((int32_t *)data)[index] = (int32_t)(uint32_t)(uint64_t)value; break;
    case EK_U32: ((uint32_t *)data)[index] = (uint32_t)(uint64_t)value; break;
    case EK_I16: ((int16_t *)data)[index] = (int16_t)(uint16_t)(uint64_t)value; break;
    case EK_U16: ((uint16_t *)data)[index] = (uint16_t)(uint64_t)value; break;
    case EK_I8: ((int8_t *)data)[index] = (int8_t)(uint8_t)(uint64_t)value; break;
    default: ((uint8_t *)data)[index] = (uint8_t)value; break; /* U8, BOOL */
    }
}

void eki_zero_gradient(const eki_step *step, int input) {
    if (step->din[input] != NULL) memset(step->din[input], 0, eki_view_bytes(&step->in[input]));
}

ek_status eki_flat_backward(eki_step *step, ek_error *err) {
    (void)step;
    (void)err;
    return EK_OK;
}
