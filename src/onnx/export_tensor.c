/* export_tensor.c: TensorProto. Data that did not change stays as the file has it, typed or raw, here or in another
 * file; data that is new is raw_data, or lies where the save has found a place for it.
 */
#include "onnx/export.h"

#include "base/half.h"
#include "onnx/schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DATA_FIELDS                                                                                                    \
    (EKI_FIELD_BIT(TENSOR_FLOAT_DATA) | EKI_FIELD_BIT(TENSOR_INT32_DATA) | EKI_FIELD_BIT(TENSOR_INT64_DATA) |          \
     EKI_FIELD_BIT(TENSOR_RAW_DATA) | EKI_FIELD_BIT(TENSOR_DOUBLE_DATA) | EKI_FIELD_BIT(TENSOR_UINT64_DATA) |          \
     EKI_FIELD_BIT(TENSOR_EXTERNAL_DATA) | EKI_FIELD_BIT(TENSOR_DATA_LOCATION))

enum { LOCATION_EXTERNAL = 1 };

static ek_dtype stored_dtype(const eki_tensor *tensor) {
    return tensor->stored != EK_DTYPE_NONE ? tensor->stored : tensor->dtype;
}

/* Against the numbers in the file, which were widened after the load. */
static bool halves_changed(const eki_tensor *tensor) {
    enum { HALVES = 2048 };
    uint16_t halves[HALVES];
    if (eki_tensor_sleeps(tensor)) return false;
    const float *floats = tensor->data;
    size_t count = tensor->bytes / sizeof(float);
    for (size_t i = 0, n; i < count; i += n) {
        n = count - i < HALVES ? count - i : HALVES;
        eki_half_narrow(tensor->stored, floats + i, halves, n);
        if (memcmp(halves, (const char *)tensor->narrow + 2 * i, 2 * n) != 0) return true;
    }
    return false;
}

bool eki_tensor_changed(const eki_tensor *tensor) {
    if (tensor->origin.data == NULL || tensor->bytes != tensor->loaded.size) return true;
    if (tensor->narrow != NULL) return halves_changed(tensor);
    return tensor->data != tensor->loaded.data && memcmp(tensor->data, tensor->loaded.data, tensor->bytes) != 0;
}

/* What the origin says of type and dimensions. */
static bool same_kind(const eki_tensor *tensor, bool *same_dims) {
    eki_wire wire = eki_wire_of(tensor->origin.data, 0, tensor->origin.size);
    int rank = 0;
    bool same_type = false, more;
    *same_dims = true;
    for (eki_field field; eki_wire_next(&wire, &field, &more, NULL) == EK_OK && more;) {
        if (field.number == TENSOR_DATA_TYPE) same_type = (ek_dtype)(int32_t)field.value == stored_dtype(tensor);
        if (field.number != TENSOR_DIMS) continue;
        eki_wire inside = eki_wire_inside(&wire, &field);
        uint64_t dim = field.value;
        bool packed = field.type == EKI_WIRE_BYTES;
        while (!packed || (inside.at < inside.end && eki_wire_varint(inside.base, &inside.at, inside.end, &dim))) {
            *same_dims &= rank < tensor->shape.rank && (int64_t)dim == tensor->shape.dims[rank];
            rank++;
            if (!packed) break;
        }
    }
    *same_dims &= rank == tensor->shape.rank;
    return same_type;
}

static void emit_entry(eki_emit *emit, const eki_graph *graph, const void *item) {
    (void)graph;
    const char *const *entry = item;
    eki_emit_text(emit, ENTRY_KEY, entry[0]);
    eki_emit_text(emit, ENTRY_VALUE, entry[1]);
}

static void emit_place(eki_emit *emit, const eki_tensor *tensor, const eki_place *place) {
    char offset[24], length[24];
    uint64_t bytes = tensor->stored != EK_DTYPE_NONE ? tensor->bytes / 2 : tensor->bytes;
    (void)snprintf(offset, sizeof offset, "%" PRIu64, place->offset);
    (void)snprintf(length, sizeof length, "%" PRIu64, bytes);
    const char *entries[3][2] = {{"location", emit->places->location}, {"offset", offset}, {"length", length}};
    for (int i = 0; i < 3; i++) eki_emit_message(emit, TENSOR_EXTERNAL_DATA, emit_entry, NULL, entries[i]);
    eki_emit_varint(emit, TENSOR_DATA_LOCATION, LOCATION_EXTERNAL);
}

static void emit_data(eki_emit *emit, const eki_tensor *tensor) {
    const eki_place *place = eki_place_of_data(emit->places, tensor);
    if (place != NULL) {
        emit_place(emit, tensor, place);
    } else if (eki_tensor_sleeps(tensor)) {
        eki_emit_bytes(emit, TENSOR_RAW_DATA, tensor->narrow, tensor->bytes / 2);
    } else if (tensor->stored != EK_DTYPE_NONE) {
        eki_emit_halves(emit, TENSOR_RAW_DATA, tensor->stored, tensor->data, tensor->bytes / sizeof(float));
    } else {
        eki_emit_bytes(emit, TENSOR_RAW_DATA, tensor->data, tensor->bytes);
    }
}

static void emit_dims(eki_emit *emit, const eki_tensor *tensor) {
    for (int i = 0; i < tensor->shape.rank; i++) {
        eki_emit_varint(emit, TENSOR_DIMS, (uint64_t)tensor->shape.dims[i]);
    }
}

/* `name` NULL: the tensor keeps what it has. */
static void tensor_body(eki_emit *emit, const eki_tensor *tensor, const char *name) {
    eki_patch p = eki_patch_of(emit, tensor->origin);
    bool same_dims, data_put = false;
    bool same_data = same_kind(tensor, &same_dims) && !eki_tensor_changed(tensor);
    if (tensor->location != NULL) same_data &= emit->places != NULL && eki_place_of_data(emit->places, tensor) == NULL;
    for (eki_field f; eki_patch_next(&p, &f);) {
        bool data = f.number < 64 && (DATA_FIELDS & EKI_FIELD_BIT(f.number)) != 0;
        if (data && !same_data) {
            eki_patch_drop(&p);
            if (!data_put) emit_data(emit, tensor);
            data_put = true;
        } else if (f.number == TENSOR_NAME && name != NULL) {
            eki_patch_text(&p, &f, name);
        } else if (f.number == TENSOR_DATA_TYPE) {
            eki_patch_varint(&p, &f, (uint64_t)stored_dtype(tensor));
        } else if (f.number != TENSOR_DIMS || same_dims) {
            eki_patch_copy(&p, &f);
        } else {
            eki_patch_drop(&p);
            if (p.first) emit_dims(emit, tensor);
        }
    }
    if (!eki_patch_seen(&p, TENSOR_NAME) && name != NULL) eki_emit_text(emit, TENSOR_NAME, name);
    if (!eki_patch_seen(&p, TENSOR_DIMS) && !same_dims) emit_dims(emit, tensor);
    if (!eki_patch_seen(&p, TENSOR_DATA_TYPE)) eki_emit_varint(emit, TENSOR_DATA_TYPE, (uint64_t)stored_dtype(tensor));
    if (!data_put && !same_data) emit_data(emit, tensor);
}

void eki_export_initializer(eki_emit *emit, const eki_graph *graph, const void *item) {
    (void)graph;
    const eki_value *value = item;
    tensor_body(emit, value->init, value->name);
}

void eki_export_tensor(eki_emit *emit, const eki_graph *graph, const void *item) {
    (void)graph;
    tensor_body(emit, item, NULL);
}
