/* storage.c: the table of data types: their size, and the field that their numbers may be typed in. */
#include "onnx/storage.h"

#include "onnx/graph.h"
#include "onnx/schema.h"

static const eki_storage storages[] = {
    {EK_F32, 4, 1, 1, TENSOR_FLOAT_DATA},  {EK_U8, 1, 1, 1, TENSOR_INT32_DATA},   {EK_I8, 1, 1, 1, TENSOR_INT32_DATA},
    {EK_U16, 2, 1, 1, TENSOR_INT32_DATA},  {EK_I16, 2, 1, 1, TENSOR_INT32_DATA},  {EK_I32, 4, 1, 1, TENSOR_INT32_DATA},
    {EK_I64, 8, 1, 1, TENSOR_INT64_DATA},  {EK_BOOL, 1, 1, 1, TENSOR_INT32_DATA}, {EK_F16, 2, 1, 1, TENSOR_INT32_DATA},
    {EK_F64, 8, 1, 1, TENSOR_DOUBLE_DATA}, {EK_U32, 4, 1, 1, TENSOR_UINT64_DATA}, {EK_U64, 8, 1, 1, TENSOR_UINT64_DATA},
    {14, 4, 2, 1, TENSOR_FLOAT_DATA},      {15, 8, 2, 1, TENSOR_DOUBLE_DATA}, /* complex64, complex128 */
    {EK_BF16, 2, 1, 1, TENSOR_INT32_DATA}, {17, 1, 1, 1, TENSOR_INT32_DATA},  /* float8 of four kinds */
    {18, 1, 1, 1, TENSOR_INT32_DATA},      {19, 1, 1, 1, TENSOR_INT32_DATA},      {20, 1, 1, 1, TENSOR_INT32_DATA},
    {21, 1, 1, 2, TENSOR_INT32_DATA}, /* uint4, int4, float4: two per byte */
    {22, 1, 1, 2, TENSOR_INT32_DATA},      {23, 1, 1, 2, TENSOR_INT32_DATA},      {24, 1, 1, 1, TENSOR_INT32_DATA},
};

const eki_storage *eki_storage_of(int dtype) {
    for (size_t i = 0; i < sizeof storages / sizeof *storages; i++) {
        if (storages[i].dtype == dtype) return &storages[i];
    }
    return NULL;
}
