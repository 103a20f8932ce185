/* storage.h: how the numbers of a data type are stored in a TensorProto. */
#ifndef EKI_ONNX_STORAGE_H
#define EKI_ONNX_STORAGE_H

#include <stdint.h>

/* Entries of `unit` bytes, mul/div entries per element, and the typed field for them (float_data, ...). */
typedef struct eki_storage {
    int dtype;
    unsigned unit, mul, div;
    uint32_t field;
} eki_storage;

/* NULL = a type that is not known, or of no fixed size (strings). */
const eki_storage *eki_storage_of(int dtype);

#endif
