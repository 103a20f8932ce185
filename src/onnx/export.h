/* export.h: what the parts of the export share. */
#ifndef EKI_ONNX_EXPORT_H
#define EKI_ONNX_EXPORT_H

#include "onnx/patch.h"

/* Where the data of tensors will lie that are stored beside the model's file. */
typedef struct eki_place {
    const eki_tensor *tensor;
    uint64_t offset;
} eki_place;

struct eki_places {
    const char *location; /* the file's name */
    eki_place *items;     /* by address of the tensor */
    size_t count, room;
    uint64_t size; /* of the file */
};

/* A ModelProto; `places` NULL: all data in it. */
ek_status eki_onnx_put(const eki_graph *graph, const struct eki_places *places, eki_writer *writer, ek_error *err);

/* NULL: the tensor stays where it is. */
const eki_place *eki_place_of_data(const struct eki_places *places, const eki_tensor *tensor);

/* Bodies of messages: of a NodeProto (item: eki_node), a GraphProto (graph itself), a TensorProto that is an
 * initializer (item: eki_value) or none (item: eki_tensor), a ValueInfoProto (item: eki_declaration). */
void eki_export_node(eki_emit *emit, const eki_graph *graph, const void *item);
void eki_export_graph(eki_emit *emit, const eki_graph *graph, const void *item);
void eki_export_initializer(eki_emit *emit, const eki_graph *graph, const void *item);
void eki_export_tensor(eki_emit *emit, const eki_graph *graph, const void *item);

typedef struct eki_declaration {
    const eki_value *value;
    eki_bytes origin; /* of this message */
} eki_declaration;
void eki_export_declaration(eki_emit *emit, const eki_graph *graph, const void *item);

/* Whether the data of a tensor is another than that of its origin. */
bool eki_tensor_changed(const eki_tensor *tensor);

/* The fields of a node list: a node of the file with the new ones before it, and those behind the last. */
void eki_export_file_node(eki_patch *patch, const eki_field *field, const eki_graph *graph, size_t index);
void eki_export_last_nodes(eki_emit *emit, const eki_graph *graph, uint32_t number);

#endif
