/* import_attr.c: AttributeProto to attribute.
 *
 * The declared type decides; very old files (IR version 1) have none, there the field in use decides. Graphs are read
 * as graphs of their own. What is not modelled (sparse tensors, type descriptions, references inside functions, strings
 * as tensor) stays opaque.
 */
#include "onnx/import.h"

#include "onnx/schema.h"

#include <inttypes.h>
#include <onnx/onnx.pb-c.h>
#include <string.h>

#define TYPE(name) ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##name

typedef struct attr_row {
    int declared; /* AttributeType */
    uint32_t field;
    eki_attr_type type;
    const char *name;
} attr_row;

static const attr_row rows[] = {
    {TYPE(FLOAT), ATTR_F, EKI_ATTR_FLOAT, "a float"},
    {TYPE(INT), ATTR_I, EKI_ATTR_INT, "an int"},
    {TYPE(STRING), ATTR_S, EKI_ATTR_STRING, "a string"},
    {TYPE(TENSOR), ATTR_T, EKI_ATTR_TENSOR, "a tensor"},
    {TYPE(GRAPH), ATTR_G, EKI_ATTR_GRAPHS, "a graph"},
    {TYPE(SPARSE_TENSOR), ATTR_SPARSE_TENSOR, EKI_ATTR_OPAQUE, "a sparse tensor"},
    {TYPE(TYPE_PROTO), ATTR_TP, EKI_ATTR_OPAQUE, "a type"},
    {TYPE(FLOATS), ATTR_FLOATS, EKI_ATTR_FLOATS, "floats"},
    {TYPE(INTS), ATTR_INTS, EKI_ATTR_INTS, "ints"},
    {TYPE(STRINGS), ATTR_STRINGS, EKI_ATTR_STRINGS, "strings"},
    {TYPE(TENSORS), ATTR_TENSORS, EKI_ATTR_OPAQUE, "tensors"},
    {TYPE(GRAPHS), ATTR_GRAPHS, EKI_ATTR_GRAPHS, "graphs"},
    {TYPE(SPARSE_TENSORS), ATTR_SPARSE_TENSORS, EKI_ATTR_OPAQUE, "sparse tensors"},
    {TYPE(TYPE_PROTOS), ATTR_TYPE_PROTOS, EKI_ATTR_OPAQUE, "types"},
};

enum { ROWS = sizeof rows / sizeof *rows };

/* What the message holds: a set of content fields, the last occurrence of the scalar ones, the length of the lists. */
typedef struct content {
    int declared;
    bool reference;
    uint64_t present;
    size_t counts[ATTR_GRAPHS + 1], count;
    eki_wire tensor;
} content;

static bool is_list(uint32_t number) { return number == ATTR_FLOATS || number == ATTR_INTS || number == ATTR_STRINGS; }

/* Items in one occurrence of a list field: one, or those of a packed array. */
static size_t count_items(const eki_field *field) {
    if (field->number == ATTR_STRINGS || field->type != EKI_WIRE_BYTES) return 1;
    if (field->number == ATTR_FLOATS) return field->size / 4;
    size_t count = 0;
    for (size_t i = 0; i < field->size; i++) count += (field->data[i] & 0x80) == 0;
    return count;
}

static ek_status collect(eki_import *import, eki_wire wire, eki_attr *attr, content *c, ek_error *err) {
    size_t *counts = c->counts;
    attr->name = "";
    attr->origin = eki_import_origin(&wire);
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) break;
        if (is_list(field.number)) counts[field.number] += count_items(&field);
        if (field.number == ATTR_G || field.number == ATTR_GRAPHS) counts[field.number]++;
        if (field.number < 64) c->present |= EKI_FIELD_BIT(field.number);
        switch (field.number) {
        case ATTR_NAME: EKI_TRY(eki_import_text(import, &field, &attr->name, err)); break;
        case ATTR_TYPE: c->declared = (int)(int32_t)field.value; break;
        case ATTR_REF_ATTR_NAME:
            c->reference = field.size > 0;
            if (c->reference) EKI_TRY(eki_import_text(import, &field, &attr->ref, err));
            break;
        case ATTR_I: attr->i = (int64_t)field.value; break;
        case ATTR_F: memcpy(&attr->f, field.data, sizeof attr->f); break;
        case ATTR_S: attr->s = (eki_bytes){.data = field.data, .size = field.size}; break;
        case ATTR_T: c->tensor = eki_wire_inside(&wire, &field); break;
        default: break;
        }
    }
    for (int i = 0; i < ROWS; i++) {
        if (rows[i].declared == c->declared && is_list(rows[i].field)) c->count = counts[rows[i].field];
        if (c->declared == 0 && is_list(rows[i].field) && counts[rows[i].field] > 0) c->count = counts[rows[i].field];
    }
    return EK_OK;
}

/* The row that applies; NULL = a type from the future, or none at all. */
static const attr_row *find_row(const content *c) {
    for (int i = 0; i < ROWS; i++) {
        bool applies =
            c->declared != 0 ? rows[i].declared == c->declared : (c->present & EKI_FIELD_BIT(rows[i].field)) != 0;
        if (applies) return &rows[i];
    }
    return NULL;
}

/* An absent field may be a zero or an empty list; it is wrong when another one is there instead. */
static ek_status check_mistyped(const attr_row *row, const content *c, ek_error *err) {
    bool present = (c->present & EKI_FIELD_BIT(row->field)) != 0;
    if (!present && row->field == ATTR_T) return eki_fail(err, EK_ERR_FORMAT, "it is declared a tensor, but has none");
    for (int i = 0; i < ROWS && !present; i++) {
        if ((c->present & EKI_FIELD_BIT(rows[i].field)) != 0) {
            return eki_fail(err, EK_ERR_FORMAT, "it is declared %s, but holds %s; the file is damaged", row->name,
                            rows[i].name);
        }
    }
    return EK_OK;
}

static void put_items(const eki_wire *wire, const eki_field *field, void *items, size_t *at) {
    if (field->number == ATTR_STRINGS) {
        ((eki_bytes *)items)[(*at)++] = (eki_bytes){.data = field->data, .size = field->size};
    } else if (field->number == ATTR_FLOATS) {
        if (field->size > 0) memcpy((float *)items + *at, field->data, field->size);
        *at += field->size / 4;
    } else if (field->type != EKI_WIRE_BYTES) {
        ((int64_t *)items)[(*at)++] = (int64_t)field->value;
    } else {
        eki_wire inside = eki_wire_inside(wire, field);
        uint64_t value;
        while (inside.at < inside.end && eki_wire_varint(inside.base, &inside.at, inside.end, &value)) {
            ((int64_t *)items)[(*at)++] = (int64_t)value;
        }
    }
}

static ek_status fill_list(eki_import *import, eki_wire wire, const attr_row *row, size_t count, eki_attr *attr,
                           ek_error *err) {
    size_t unit = row->field == ATTR_STRINGS ? sizeof(eki_bytes) : row->field == ATTR_INTS ? sizeof(int64_t) : 4;
    size_t bytes, at = 0;
    void *items;
    if (!eki_mul_size(count, unit, &bytes)) return eki_fail(err, EK_ERR_LIMIT, "it has too many items");
    EKI_TRY(eki_import_alloc(import, bytes, &items, err));
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) break;
        if (field.number == row->field) put_items(&wire, &field, items, &at);
    }
    attr->count = count;
    if (row->type == EKI_ATTR_FLOATS) attr->floats = items;
    if (row->type == EKI_ATTR_INTS) attr->ints = items;
    if (row->type == EKI_ATTR_STRINGS) attr->strings = items;
    return EK_OK;
}

static void make_opaque(eki_attr *attr) {
    *attr = (eki_attr){.name = attr->name, .type = EKI_ATTR_OPAQUE, .ref = attr->ref, .origin = attr->origin};
}

static ek_status import_graphs(eki_import *import, eki_wire wire, uint32_t number, size_t count, eki_attr *attr,
                               ek_error *err) {
    void *memory;
    EKI_TRY(eki_import_alloc(import, count * sizeof *attr->graphs, &memory, err));
    attr->graphs = memory;
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        if (field.number != number) continue;
        EKI_TRY(eki_import_nested(import, eki_wire_inside(&wire, &field), &attr->graphs[attr->count], err));
        attr->count++;
    }
}

static ek_status fill(eki_import *import, eki_wire wire, const content *c, eki_attr *attr, ek_error *err) {
    if (attr->name[0] == '\0') return eki_fail(err, EK_ERR_FORMAT, "it has no name, expected one");
    const attr_row *row = find_row(c);
    if (row != NULL && !c->reference) EKI_TRY(check_mistyped(row, c, err));
    if (row == NULL || c->reference || row->type == EKI_ATTR_OPAQUE) {
        make_opaque(attr);
        return EK_OK;
    }
    attr->type = row->type;
    if (is_list(row->field)) EKI_TRY(fill_list(import, wire, row, c->count, attr, err));
    if (row->type == EKI_ATTR_TENSOR) {
        eki_bytes name;
        EKI_TRY(eki_import_tensor(import, c->tensor, &attr->t, &name, err));
        if (attr->t == NULL) {
            make_opaque(attr);
            return EK_OK;
        }
    }
    return row->type == EKI_ATTR_GRAPHS ? import_graphs(import, wire, row->field, c->counts[row->field], attr, err)
                                        : EK_OK;
}

ek_status eki_import_attr(eki_import *import, eki_wire wire, eki_attr *attr, ek_error *err) {
    content c = {0};
    EKI_TRY(collect(import, wire, attr, &c, err));
    ek_status status = fill(import, wire, &c, attr, err);
    if (status == EK_OK || status == EK_ERR_NOMEM) return status;
    return eki_error_prefix(err, status, "byte %zu: attribute '%.100s'", wire.at, attr->name);
}
