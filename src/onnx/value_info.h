/* value_info.h: the declared type of a value (ValueInfoProto), read without allocation. */
#ifndef EKI_ONNX_VALUE_INFO_H
#define EKI_ONNX_VALUE_INFO_H

#include "onnx/graph.h"
#include "onnx/wire.h"

typedef struct eki_dim_info {
    int64_t value;   /* -1 = not given as a number */
    eki_bytes param; /* its symbolic name; size 0 = none */
} eki_dim_info;

typedef struct eki_value_info {
    eki_bytes name;
    ek_dtype dtype; /* EK_DTYPE_NONE: none, or not a tensor */
    int rank;       /* -1: no shape given, or more than EKI_MAX_RANK dimensions */
    eki_dim_info dims[EKI_MAX_RANK];
} eki_value_info;

ek_status eki_value_info_read(eki_wire wire, eki_value_info *info, ek_error *err);

/* Whether `info` still says what the graph knows about the value. */
bool eki_value_info_agrees(const eki_value_info *info, const eki_graph *graph, const eki_value *value);

#endif
