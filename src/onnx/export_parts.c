/* export_parts.c: nodes, attributes, tensors and value declarations as protobuf fields.
 *
 * Modelled fields first, in the order of their numbers, then the kept bytes. Tensors are written as raw_data whatever
 * the field they came from. A declaration that still holds is written with the bytes of the file it came from.
 */
#include "onnx/export.h"

#include "onnx/schema.h"
#include "onnx/value_info.h"

#include <onnx/onnx.pb-c.h>

#define TYPE(name) ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##name

void eki_export_tensor(eki_emit *emit, const eki_tensor *tensor) {
    for (int i = 0; i < tensor->shape.rank; i++) {
        eki_emit_varint(emit, TENSOR_DIMS, (uint64_t)tensor->shape.dims[i]);
    }
    bool half = tensor->stored != EK_DTYPE_NONE;
    eki_emit_varint(emit, TENSOR_DATA_TYPE, (uint64_t)(half ? tensor->stored : tensor->dtype));
    if (half) {
        eki_emit_halves(emit, TENSOR_RAW_DATA, tensor->stored, tensor->data, tensor->bytes / sizeof(float));
    } else {
        eki_emit_bytes(emit, TENSOR_RAW_DATA, tensor->data, tensor->bytes);
    }
    eki_emit_raw(emit, tensor->keep.data, tensor->keep.size);
}

void eki_export_initializer(eki_emit *emit, const eki_graph *graph, const void *item) {
    (void)graph;
    const eki_value *value = item;
    eki_emit_text(emit, TENSOR_NAME, value->name);
    eki_export_tensor(emit, value->init);
}

static void emit_attr_tensor(eki_emit *emit, const eki_graph *graph, const void *item) {
    (void)graph;
    eki_export_tensor(emit, item);
}

static void emit_list(eki_emit *emit, const eki_attr *attr) {
    for (size_t i = 0; i < attr->count; i++) {
        if (attr->type == EKI_ATTR_FLOATS) eki_emit_float(emit, ATTR_FLOATS, attr->floats[i]);
        if (attr->type == EKI_ATTR_INTS) eki_emit_varint(emit, ATTR_INTS, (uint64_t)attr->ints[i]);
        if (attr->type == EKI_ATTR_STRINGS) {
            eki_emit_bytes(emit, ATTR_STRINGS, attr->strings[i].data, attr->strings[i].size);
        }
    }
}

static void emit_content(eki_emit *emit, const eki_graph *graph, const eki_attr *attr) {
    uint64_t type = 0;
    switch (attr->type) {
    case EKI_ATTR_FLOAT:
        eki_emit_float(emit, ATTR_F, attr->f);
        type = TYPE(FLOAT);
        break;
    case EKI_ATTR_INT:
        eki_emit_varint(emit, ATTR_I, (uint64_t)attr->i);
        type = TYPE(INT);
        break;
    case EKI_ATTR_STRING:
        eki_emit_bytes(emit, ATTR_S, attr->s.data, attr->s.size);
        type = TYPE(STRING);
        break;
    case EKI_ATTR_TENSOR:
        eki_emit_message(emit, ATTR_T, emit_attr_tensor, graph, attr->t);
        type = TYPE(TENSOR);
        break;
    case EKI_ATTR_FLOATS: type = TYPE(FLOATS); break;
    case EKI_ATTR_INTS: type = TYPE(INTS); break;
    case EKI_ATTR_STRINGS: type = TYPE(STRINGS); break;
    case EKI_ATTR_OPAQUE: break;
    }
    emit_list(emit, attr);
    eki_emit_varint(emit, ATTR_TYPE, type);
}

static void emit_attr(eki_emit *emit, const eki_graph *graph, const void *item) {
    const eki_attr *attr = item;
    if (attr->type != EKI_ATTR_OPAQUE) {
        eki_emit_text(emit, ATTR_NAME, attr->name);
        emit_content(emit, graph, attr);
    }
    eki_emit_raw(emit, attr->keep.data, attr->keep.size);
}

static void emit_refs(eki_emit *emit, uint32_t number, eki_value *const *values, int count) {
    for (int i = 0; i < count; i++) eki_emit_text(emit, number, values[i] != NULL ? values[i]->name : "");
}

void eki_export_node(eki_emit *emit, const eki_graph *graph, const void *item) {
    const eki_node *node = item;
    emit_refs(emit, NODE_INPUT, node->in, node->n_in);
    emit_refs(emit, NODE_OUTPUT, node->out, node->n_out);
    if (node->name[0] != '\0') eki_emit_text(emit, NODE_NAME, node->name);
    eki_emit_text(emit, NODE_OP_TYPE, node->op_type);
    for (int i = 0; i < node->n_attr; i++) {
        eki_emit_message(emit, NODE_ATTRIBUTE, emit_attr, graph, &node->attrs[i]);
    }
    if (node->domain[0] != '\0') eki_emit_text(emit, NODE_DOMAIN, node->domain);
    eki_emit_raw(emit, node->keep.data, node->keep.size);
}

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

/* What the old declaration says beside name and type (documentation, metadata). */
static void emit_rest(eki_emit *emit, eki_wire wire) {
    for (;;) {
        eki_field field;
        bool more;
        if (eki_wire_next(&wire, &field, &more, NULL) != EK_OK || !more) return;
        if (field.number == VALUE_INFO_NAME || field.number == VALUE_INFO_TYPE) continue;
        eki_emit_raw(emit, wire.base + field.start, field.end - field.start);
    }
}

void eki_export_value_info(eki_emit *emit, const eki_graph *graph, const void *item) {
    const eki_value *value = item;
    eki_wire old = eki_wire_of(value->keep.data, 0, value->keep.size);
    eki_value_info info;
    if (value->keep.size > 0 && eki_value_info_read(old, &info, NULL) == EK_OK &&
        eki_value_info_agrees(&info, graph, value)) {
        eki_emit_raw(emit, value->keep.data, value->keep.size);
        return;
    }
    eki_emit_text(emit, VALUE_INFO_NAME, value->name);
    if (value->dtype != EK_DTYPE_NONE) eki_emit_message(emit, VALUE_INFO_TYPE, emit_type, graph, value);
    emit_rest(emit, old);
}
