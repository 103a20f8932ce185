/* value_info.c: ValueInfoProto -> TypeProto -> Tensor -> TensorShapeProto -> Dimension.
 *
 * The import reads it to type values; the export reads it again to learn whether the bytes of the file still hold, in
 * which case they are written back unchanged. Types other than tensors are kept by their bytes and seen as unknown.
 */
#include "onnx/value_info.h"

#include "onnx/schema.h"

#include <string.h>

static ek_status read_dim(eki_wire wire, eki_dim_info *dim, ek_error *err) {
    *dim = (eki_dim_info){.value = -1};
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        if (field.number == DIM_VALUE && field.type == EKI_WIRE_VARINT) {
            /* Some exporters write -1 for "not known". */
            dim->value = (int64_t)field.value < 0 ? -1 : (int64_t)field.value;
        } else if (field.number == DIM_PARAM && field.type == EKI_WIRE_BYTES) {
            dim->param = (eki_bytes){.data = field.data, .size = field.size};
        }
    }
}

static ek_status read_shape(eki_wire wire, eki_value_info *info, ek_error *err) {
    int rank = 0;
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) break;
        if (field.number != SHAPE_DIM || field.type != EKI_WIRE_BYTES || rank > EKI_MAX_RANK) continue;
        if (rank < EKI_MAX_RANK) EKI_TRY(read_dim(eki_wire_inside(&wire, &field), &info->dims[rank], err));
        rank++;
    }
    info->rank = rank <= EKI_MAX_RANK ? rank : -1;
    return EK_OK;
}

static ek_status read_tensor_type(eki_wire wire, eki_value_info *info, ek_error *err) {
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        if (field.number == TYPE_TENSOR_ELEM_TYPE && field.type == EKI_WIRE_VARINT) {
            info->dtype = (ek_dtype)(int32_t)field.value;
        } else if (field.number == TYPE_TENSOR_SHAPE && field.type == EKI_WIRE_BYTES) {
            EKI_TRY(read_shape(eki_wire_inside(&wire, &field), info, err));
        }
    }
}

static ek_status read_type(eki_wire wire, eki_value_info *info, ek_error *err) {
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        if (field.number == TYPE_TENSOR && field.type == EKI_WIRE_BYTES) {
            EKI_TRY(read_tensor_type(eki_wire_inside(&wire, &field), info, err));
        }
    }
}

ek_status eki_value_info_read(eki_wire wire, eki_value_info *info, ek_error *err) {
    *info = (eki_value_info){.dtype = EK_DTYPE_NONE, .rank = -1};
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        if (field.type != EKI_WIRE_BYTES) continue;
        if (field.number == VALUE_INFO_NAME) info->name = (eki_bytes){.data = field.data, .size = field.size};
        if (field.number == VALUE_INFO_TYPE) EKI_TRY(read_type(eki_wire_inside(&wire, &field), info, err));
    }
}

static bool same_text(eki_bytes bytes, const char *text) {
    size_t size = strlen(text);
    return bytes.size == size && (size == 0 || memcmp(bytes.data, text, size) == 0);
}

bool eki_value_info_agrees(const eki_value_info *info, const eki_graph *graph, const eki_value *value) {
    ek_dtype dtype = value->stored != EK_DTYPE_NONE ? value->stored : value->dtype;
    if (!same_text(info->name, value->name) || info->dtype != dtype) return false;
    /* A declaration may say less than the data of an initializer does, but not otherwise. */
    bool loose = value->init != NULL;
    if (info->rank != value->shape.rank) return loose && info->rank < 0;
    for (int i = 0; i < info->rank; i++) {
        const eki_dim_info *dim = &info->dims[i];
        int64_t known = value->shape.dims[i];
        if (dim->value >= 0 ? dim->value != known : known >= 0 && !loose) return false;
        if (dim->value >= 0 || known >= 0) continue;
        size_t symbol = (size_t)(-1 - known);
        if (symbol >= graph->n_symbols || !same_text(dim->param, graph->symbols[symbol])) return false;
    }
    return true;
}
