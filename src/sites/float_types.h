/* float_types.h: the floating type that each value of a graph has in the file.
 *
 * Half precision is f32 in memory, and inference says no more; what rewrites a norm must know which it is.
 */
#ifndef EKI_FLOAT_TYPES_H
#define EKI_FLOAT_TYPES_H

#include "onnx/graph.h"

/* By value id: EK_F32, EK_F64, EK_F16 or EK_BF16, as declared or as it follows from the nodes, which must be sorted.
 * EK_DTYPE_NONE = not known, or no floating type. The caller frees *types. EK_ERR_NOMEM. */
ek_status eki_float_types(const eki_graph *graph, ek_dtype **types, ek_error *err);

/* The type of a tensor in the file. */
ek_dtype eki_file_type(const eki_tensor *tensor);

#endif
