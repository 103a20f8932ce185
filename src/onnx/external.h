/* external.h: tensors whose data lies in another file (TensorProto.external_data). */
#ifndef EKI_ONNX_EXTERNAL_H
#define EKI_ONNX_EXTERNAL_H

#include "onnx/import.h"

/* What external_data says. Text points into the model's file. */
typedef struct eki_external {
    bool present;
    eki_bytes location, offset, length; /* data NULL = not given */
} eki_external;

/* Takes over one entry (StringStringEntryProto). EK_ERR_FORMAT: an unknown key, or one that was there before. */
ek_status eki_external_entry(eki_external *external, eki_wire wire, ek_error *err);

/* EK_ERR_FORMAT: not the name of a file in the model's folder or below it; not a number (not given: the fallback). */
ek_status eki_external_location(const eki_bytes *location, ek_error *err);
ek_status eki_external_number(eki_bytes text, const char *what, uint64_t fallback, uint64_t *number, ek_error *err);

/* The bytes, of which the tensor needs `needed`. The file is opened once per graph, below the model's folder, and stays
 * mapped as long as the graph. EK_ERR_FORMAT: a location that leaves the folder, a range that is not in the file, or
 * not of the size needed. EK_ERR_IO: not a regular file of its own (link, pipe, ...), or not readable. */
ek_status eki_external_bytes(eki_import *import, const eki_external *external, size_t needed, eki_bytes *bytes,
                             const char **name, uint64_t *offset, ek_error *err);

#endif
