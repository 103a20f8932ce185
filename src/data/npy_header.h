/* npy_header.h: the textual header of an .npy file. */
#ifndef EKI_NPY_HEADER_H
#define EKI_NPY_HEADER_H

#include "base/error.h"

#include <evenkeel/data.h>

/* Parses "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" into dtype, rank and dims. `path` is for
 * messages. Nothing is evaluated: this grammar is all there is. */
ek_status eki_npy_parse_header(const char *path, const char *text, size_t length, ek_npy *array, ek_error *err);

/* The 'descr' of a dtype, such as "<f4"; NULL when .npy has none. */
const char *eki_npy_descr(ek_dtype dtype);

/* Bytes of one element of a dtype that .npy has. */
size_t eki_npy_item_bytes(ek_dtype dtype);

/* What the file holds and where its data begins, which end with the file; array->data stays NULL. */
ek_status eki_npy_locate(const char *path, ek_npy *array, size_t *offset, ek_error *err);

/* ek_npy_read with a limit on the bytes of the data. */
ek_status eki_npy_read_within(const char *path, uint64_t most, ek_npy *array, ek_error *err);

#endif
