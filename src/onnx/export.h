/* export.h: what the parts of the export share. */
#ifndef EKI_ONNX_EXPORT_H
#define EKI_ONNX_EXPORT_H

#include "onnx/emit.h"

/* Bodies of NodeProto (item: eki_node), ValueInfoProto and initializer TensorProto (item: eki_value). */
void eki_export_node(eki_emit *emit, const eki_graph *graph, const void *item);
void eki_export_value_info(eki_emit *emit, const eki_graph *graph, const void *item);
void eki_export_initializer(eki_emit *emit, const eki_graph *graph, const void *item);

/* Fields of a TensorProto but its name. */
void eki_export_tensor(eki_emit *emit, const eki_tensor *tensor);

#endif
