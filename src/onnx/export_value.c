/* export_value.c: ValueInfoProto. A declaration that still holds keeps its bytes; else its type is written anew and the
 * rest of it (documentation, metadata) stays.
 */
#include "onnx/export.h"

#include "onnx/schema.h"
#include "onnx/value_info.h"

static void emit_dim(eki_emit *emit, const eki_graph *graph, const void *item) {
    int64_t dim = *(const int64_t *)item;
    size_t symbol = (size_t)(-1 - dim);
    if (dim >= 0) {
        eki_emit_varint(emit, DIM_VALUE, (uint64_t)dim);
    } else if (symbol < graph->n_symbols && graph->symbols[symbol][0] != '\0') {
        eki_emit_text(emit, DIM_PARAM, graph->symbols[symbol]);
    }
}

static void emit_shape(eki_emit *emit, const eki_graph *graph, const void *item) {
    const eki_shape *shape = item;
    for (int i = 0; i < shape->rank; i++) eki_emit_message(emit, SHAPE_DIM, emit_dim, graph, &shape->dims[i]);
}

static void emit_tensor_type(eki_emit *emit, const eki_graph *graph, const void *item) {
    const eki_value *value = item;
    ek_dtype dtype = value->stored != EK_DTYPE_NONE ? value->stored : value->dtype;
    eki_emit_varint(emit, TYPE_TENSOR_ELEM_TYPE, (uint64_t)dtype);
    if (value->shape.rank >= 0) eki_emit_message(emit, TYPE_TENSOR_SHAPE, emit_shape, graph, &value->shape);
}

static void emit_type(eki_emit *emit, const eki_graph *graph, const void *item) {
    eki_emit_message(emit, TYPE_TENSOR, emit_tensor_type, graph, item);
}

/* Types other than tensors are not modelled and cannot have changed. */
static bool holds(const eki_graph *graph, const eki_declaration *declaration) {
    eki_value_info info;
    eki_wire wire = eki_wire_of(declaration->origin.data, 0, declaration->origin.size);
    if (declaration->origin.data == NULL || eki_value_info_read(wire, &info, NULL) != EK_OK) return false;
    return declaration->value->dtype == EK_DTYPE_NONE || eki_value_info_agrees(&info, graph, declaration->value);
}

void eki_export_declaration(eki_emit *emit, const eki_graph *graph, const void *item) {
    const eki_declaration *declaration = item;
    const eki_value *value = declaration->value;
    eki_patch p = eki_patch_of(emit, declaration->origin);
    if (holds(graph, declaration)) {
        eki_patch_rest(&p);
        return;
    }
    for (eki_field f; eki_patch_next(&p, &f);) {
        if (f.number != VALUE_INFO_TYPE) {
            eki_patch_copy(&p, &f);
        } else {
            eki_emit_message(emit, VALUE_INFO_TYPE, emit_type, graph, value);
        }
    }
    if (!eki_patch_seen(&p, VALUE_INFO_NAME)) eki_emit_text(emit, VALUE_INFO_NAME, value->name);
    if (!eki_patch_seen(&p, VALUE_INFO_TYPE) && value->dtype != EK_DTYPE_NONE) {
        eki_emit_message(emit, VALUE_INFO_TYPE, emit_type, graph, value);
    }
}
