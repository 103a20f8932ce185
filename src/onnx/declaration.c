/* declaration.c: the declaration of a value as bytes, to be kept elsewhere and put back: what was there before,
 * whatever its encoding and whatever else it says (documentation, metadata, fields of the future).
 */
#include "onnx/onnx.h"

#include "base/half.h"
#include "onnx/export.h"
#include "onnx/value_info.h"

ek_status eki_onnx_declaration(eki_graph *graph, const eki_value *value, eki_bytes *bytes, ek_error *err) {
    eki_declaration declaration = {.value = value, .origin = value->origin};
    eki_emit count = {.graph = graph};
    eki_export_declaration(&count, graph, &declaration);
    eki_emit emit = {.graph = graph, .memory = eki_arena_alloc(&graph->arena, eki_sized((size_t)count.size + 1))};
    if (emit.memory == NULL) return eki_fail_nomem(err, (size_t)count.size);
    eki_export_declaration(&emit, graph, &declaration);
    *bytes = (eki_bytes){.data = emit.memory, .size = (size_t)emit.size};
    return EK_OK;
}

static ek_status take_shape(eki_graph *graph, const eki_value_info *info, eki_shape *shape, ek_error *err) {
    *shape = (eki_shape){.rank = info->rank};
    for (int i = 0; i < info->rank; i++) {
        const eki_dim_info *dim = &info->dims[i];
        shape->dims[i] = dim->value;
        if (dim->value >= 0) continue;
        const char *name = eki_arena_strndup(&graph->arena, dim->param.data, dim->param.size);
        if (name == NULL) return eki_fail_nomem(err, dim->param.size);
        EKI_TRY(eki_graph_symbol(graph, name, &shape->dims[i], err));
    }
    return EK_OK;
}

ek_status eki_onnx_declare(eki_graph *graph, eki_bytes bytes, eki_value **out, ek_error *err) {
    eki_value_info info;
    EKI_TRY(eki_value_info_read(eki_wire_of(bytes.data, 0, bytes.size), &info, err));
    eki_value *value = eki_graph_find_bytes(graph, info.name.data, info.name.size);
    if (value == NULL || value->producer == NULL) {
        return eki_fail(err, EK_ERR_FORMAT, "it declares '%.*s', which no node of the graph makes",
                        (int)(info.name.size < 200 ? info.name.size : 200),
                        info.name.size > 0 ? (const char *)info.name.data : "");
    }
    value->declared = true;
    value->origin = bytes;
    value->stored = eki_is_half(info.dtype) ? info.dtype : EK_DTYPE_NONE;
    value->dtype = value->stored != EK_DTYPE_NONE ? EK_F32 : info.dtype;
    EKI_TRY(take_shape(graph, &info, &value->shape, err));
    *out = value;
    return EK_OK;
}
