/* import_tensor.c: TensorProto to tensor. Raw data stays where it is in the mapped file, external data (external.c) in
 * its own; the typed fields (float_data, int32_data, ...) become raw bytes in the graph's arena.
 *
 * One pass collects what the message says, then it is judged as a whole (one kind of data, dims that fit it, nothing
 * that points outside the file), and only then memory is taken, so that a lie about a size costs nothing.
 */
#include "onnx/import.h"

#include "base/half.h"
#include "onnx/external.h"
#include "onnx/schema.h"
#include "onnx/storage.h"

#include <inttypes.h>
#include <string.h>

typedef eki_storage storage;

typedef struct content {
    eki_bytes name;
    int dtype;
    uint64_t rank;
    int64_t dims[EKI_MAX_RANK];
    eki_bytes raw;
    size_t typed;         /* entries in typed_field */
    uint32_t typed_field; /* 0 = none has entries */
    size_t fields;        /* that have entries */
    eki_bytes packed;     /* the last of them, where it is an array of floats or doubles */
    bool two_typed, segment, strings;
    eki_external external;
} content;

static const char *typed_name(uint32_t field) {
    switch (field) {
    case TENSOR_FLOAT_DATA: return "float_data";
    case TENSOR_INT32_DATA: return "int32_data";
    case TENSOR_INT64_DATA: return "int64_data";
    case TENSOR_DOUBLE_DATA: return "double_data";
    default: return "uint64_data";
    }
}

/* Entries in one occurrence of a typed field: one, or those of a packed array. */
static size_t count_entries(const eki_field *field) {
    if (field->type != EKI_WIRE_BYTES) return 1;
    if (field->number == TENSOR_FLOAT_DATA) return field->size / 4;
    if (field->number == TENSOR_DOUBLE_DATA) return field->size / 8;
    size_t count = 0;
    for (size_t i = 0; i < field->size; i++) count += (field->data[i] & 0x80) == 0;
    return count;
}

static void collect_typed(content *c, const eki_field *field) {
    size_t count = count_entries(field);
    if (count == 0) return;
    if (c->typed_field != 0 && c->typed_field != field->number) c->two_typed = true;
    c->typed_field = field->number;
    c->typed += count;
    c->fields++;
    bool plain = field->number == TENSOR_FLOAT_DATA || field->number == TENSOR_DOUBLE_DATA;
    if (plain && field->type == EKI_WIRE_BYTES) c->packed = (eki_bytes){.data = field->data, .size = field->size};
}

static void collect_dims(content *c, const eki_wire *wire, const eki_field *field) {
    eki_wire inside = eki_wire_inside(wire, field);
    uint64_t value = field->value;
    bool packed = field->type == EKI_WIRE_BYTES;
    while (!packed || (inside.at < inside.end && eki_wire_varint(inside.base, &inside.at, inside.end, &value))) {
        if (c->rank < EKI_MAX_RANK) c->dims[c->rank] = (int64_t)value;
        c->rank++;
        if (!packed) return;
    }
}

static ek_status collect(eki_wire wire, content *c, ek_error *err) {
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        switch (field.number) {
        case TENSOR_DIMS: collect_dims(c, &wire, &field); break;
        case TENSOR_DATA_TYPE: c->dtype = (int)(int32_t)field.value; break;
        case TENSOR_SEGMENT: c->segment = true; break;
        case TENSOR_STRING_DATA: c->strings = true; break;
        case TENSOR_NAME: c->name = (eki_bytes){.data = field.data, .size = field.size}; break;
        case TENSOR_RAW_DATA: c->raw = (eki_bytes){.data = field.data, .size = field.size}; break;
        case TENSOR_DATA_LOCATION: c->external.present = c->external.present || field.value != 0; break;
        case TENSOR_EXTERNAL_DATA:
            EKI_TRY(eki_external_entry(&c->external, eki_wire_inside(&wire, &field), err));
            break;
        case TENSOR_FLOAT_DATA:
        case TENSOR_INT32_DATA:
        case TENSOR_INT64_DATA:
        case TENSOR_DOUBLE_DATA:
        case TENSOR_UINT64_DATA: collect_typed(c, &field); break;
        default: break;
        }
    }
}

/* What no tensor may have, whatever its type. */
static ek_status check_kind(const content *c, const storage *s, ek_error *err) {
    if (c->dtype == EK_DTYPE_NONE) return eki_fail(err, EK_ERR_FORMAT, "it has no data type, expected data_type");
    if (c->two_typed || (c->raw.size > 0 && c->typed > 0)) {
        return eki_fail(err, EK_ERR_FORMAT, "it has data twice (%s and %s), expected one of the two",
                        c->raw.size > 0 ? "raw_data" : "one typed field", typed_name(c->typed_field));
    }
    if (c->external.present && (c->raw.size > 0 || c->typed > 0)) {
        return eki_fail(err, EK_ERR_FORMAT, "it has data here and in another file, expected one of the two");
    }
    if (c->typed > 0 && s->field != c->typed_field) {
        return eki_fail(err, EK_ERR_FORMAT, "it has data type %d and %s, expected %s", c->dtype,
                        typed_name(c->typed_field), typed_name(s->field));
    }
    return EK_OK;
}

/* The bytes that the dims ask for; any, when the size of an element is not known. */
static ek_status check_dims(const content *c, const storage *s, size_t *bytes, ek_error *err) {
    uint64_t count = 1, entries;
    for (uint64_t i = 0; i < c->rank; i++) {
        if (c->dims[i] < 0) {
            return eki_fail(err, EK_ERR_FORMAT, "dimension %" PRIu64 " is %" PRId64 ", expected 0 or more", i,
                            c->dims[i]);
        }
        if (__builtin_mul_overflow(count, (uint64_t)c->dims[i], &count) || count > INT64_MAX) {
            return eki_fail(err, EK_ERR_FORMAT, "the product of its dimensions exceeds 64 bits; the file is damaged");
        }
    }
    uint64_t needed;
    entries = s->div == 1 ? count : count / s->div + (count % s->div != 0);
    if (__builtin_mul_overflow(entries, (uint64_t)s->mul * s->unit, &needed) || needed > SIZE_MAX) {
        return eki_fail(err, EK_ERR_FORMAT, "its size in bytes exceeds 64 bits; the file is damaged");
    }
    *bytes = (size_t)needed;
    if (c->external.present) return EK_OK;
    uint64_t found = c->typed > 0 ? (uint64_t)c->typed * s->unit : c->raw.size;
    if (found != needed) {
        return eki_fail(err, EK_ERR_FORMAT,
                        "its dimensions need %" PRIu64 " bytes, but it has %" PRIu64 "; the file is damaged", needed,
                        found);
    }
    return EK_OK;
}

/* int32_data and uint64_data carry narrower types: the value must fit, as signed number or as bit pattern. */
static bool entry_fits(const storage *s, uint64_t value) {
    if (s->unit == 8 || s->field == TENSOR_INT64_DATA) return true;
    if (s->field == TENSOR_UINT64_DATA) return value >> (8 * s->unit) == 0;
    int64_t number = (int32_t)value;
    return number >= -(INT64_C(1) << (8 * s->unit - 1)) && number < INT64_C(1) << (8 * s->unit);
}

static ek_status put_varint_entry(const storage *s, uint64_t value, unsigned char *out, ek_error *err) {
    if (!entry_fits(s, value)) {
        return eki_fail(err, EK_ERR_FORMAT, "%s holds %" PRId64 ", which does not fit data type %d",
                        typed_name(s->field), (int64_t)value, s->dtype);
    }
    if (s->dtype == EK_BOOL) value = value != 0;
    memcpy(out, &value, s->unit);
    return EK_OK;
}

/* All entries of one occurrence of the typed field. */
static ek_status convert_field(const storage *s, const eki_wire *wire, const eki_field *field, unsigned char **out,
                               ek_error *err) {
    if (s->field == TENSOR_FLOAT_DATA || s->field == TENSOR_DOUBLE_DATA) {
        if (field->size > 0) memcpy(*out, field->data, field->size);
        *out += field->size;
        return EK_OK;
    }
    if (field->type != EKI_WIRE_BYTES) {
        EKI_TRY(put_varint_entry(s, field->value, *out, err));
        *out += s->unit;
        return EK_OK;
    }
    eki_wire inside = eki_wire_inside(wire, field);
    uint64_t value;
    while (inside.at < inside.end && eki_wire_varint(inside.base, &inside.at, inside.end, &value)) {
        EKI_TRY(put_varint_entry(s, value, *out, err));
        *out += s->unit;
    }
    return EK_OK;
}

static ek_status convert(eki_import *import, eki_wire wire, const storage *s, size_t bytes, void **data,
                         ek_error *err) {
    EKI_TRY(eki_import_alloc(import, bytes, data, err));
    unsigned char *out = *data;
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        if (field.number == s->field) EKI_TRY(convert_field(s, &wire, &field, &out, err));
    }
}

/* Of half precision so much is made f32 while loading; the rest, but for what is as small as the parameters of norms,
 * when somebody needs it: inspecting and copying a large file do not. */
enum { WIDENED_MOST = 1 << 24, SMALL = 1 << 16 };

static bool may_sleep(eki_import *import, const eki_tensor *tensor) {
    eki_import *first = import;
    while (first->outer != NULL) first = first->outer;
    if (!import->may_sleep || tensor->shape.rank < 2 || tensor->bytes <= SMALL) return false;
    if (tensor->bytes > WIDENED_MOST - first->widened) return true;
    first->widened += tensor->bytes;
    return false;
}

/* Half precision becomes f32, exactly. */
static ek_status widen(eki_import *import, eki_tensor *tensor, ek_error *err) {
    size_t count = tensor->bytes / 2;
    void *floats;
    if (may_sleep(import, tensor)) {
        tensor->stored = tensor->dtype;
        tensor->dtype = EK_F32;
        tensor->narrow = tensor->data;
        tensor->data = NULL;
        return eki_mul_size(count, sizeof(float), &tensor->bytes)
                   ? EK_OK
                   : eki_fail(err, EK_ERR_LIMIT, "its size in bytes exceeds 64 bits; the file is damaged");
    }
    EKI_TRY(eki_import_alloc(import, count * sizeof(float), &floats, err));
    eki_half_widen(tensor->dtype, tensor->data, floats, count);
    tensor->stored = tensor->dtype;
    tensor->dtype = EK_F32;
    tensor->data = floats;
    tensor->bytes = count * sizeof(float);
    return EK_OK;
}

static ek_status fill(eki_import *import, eki_wire wire, const content *c, eki_tensor **out, ek_error *err) {
    const storage *s = eki_storage_of(c->dtype);
    size_t bytes = 0;
    void *memory;
    EKI_TRY(check_kind(c, s, err));
    EKI_TRY(check_dims(c, s, &bytes, err));
    EKI_TRY(eki_import_alloc(import, sizeof **out, &memory, err));
    eki_tensor *tensor = memory;
    tensor->dtype = (ek_dtype)c->dtype;
    tensor->shape = eki_shape_of((int)c->rank, c->dims);
    tensor->bytes = bytes;
    if (c->fields == 1 && c->packed.data != NULL) {
        tensor->data = (void *)(uintptr_t)c->packed.data; /* as raw data would lie */
    } else if (c->typed > 0) {
        EKI_TRY(convert(import, wire, s, bytes, &tensor->data, err));
    } else if (c->external.present) {
        eki_bytes data;
        const char *data_name;
        EKI_TRY(eki_external_bytes(import, &c->external, bytes, &data, &data_name, &tensor->offset, err));
        tensor->data = (void *)(uintptr_t)data.data;
        tensor->location = data_name;
    } else {
        tensor->data = (void *)(uintptr_t)(bytes > 0 ? c->raw.data : "");
    }
    if (eki_is_half(tensor->dtype)) EKI_TRY(widen(import, tensor, err));
    tensor->origin = eki_import_origin(&wire);
    tensor->loaded = (eki_bytes){.data = tensor->data, .size = tensor->bytes};
    *out = tensor;
    return EK_OK;
}

/* Kinds that are not read: their bytes are enough for a document. */
static bool is_opaque(const content *c) {
    bool unknown = c->dtype != EK_DTYPE_NONE && eki_storage_of(c->dtype) == NULL;
    return c->strings || c->dtype == EK_STRING || c->segment || unknown || c->rank > EKI_MAX_RANK;
}

ek_status eki_import_tensor(eki_import *import, eki_wire wire, eki_tensor **tensor, eki_bytes *name, ek_error *err) {
    content c = {0};
    size_t start = wire.at;
    *tensor = NULL;
    ek_status status = collect(wire, &c, err);
    *name = c.name;
    if (status == EK_OK && is_opaque(&c)) return EK_OK;
    if (status == EK_OK) status = fill(import, wire, &c, tensor, err);
    if (status == EK_OK || status == EK_ERR_NOMEM) return status;
    int shown = c.name.size < 200 ? (int)c.name.size : 200;
    return eki_error_prefix(err, status, "byte %zu: tensor '%.*s'", start, shown,
                            c.name.size > 0 ? (const char *)c.name.data : "");
}
