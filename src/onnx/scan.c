/* scan.c: walks all messages of a file, driven by the descriptors that protoc-c made of onnx.proto.
 *
 * protobuf-c itself has no depth limit and builds a struct for every empty message, so a small hostile file can end
 * the stack or the memory. The scan builds nothing: it recurses at most EKI_MAX_MESSAGE_DEPTH deep and leaves behind
 * the certainty that every range is well formed. Because the generated descriptors are its only schema, it can never
 * disagree with onnx.proto. Fields the schema does not know are skipped; they are kept as bytes and never opened.
 */
#include "onnx/scan.h"

#include "onnx/schema.h"
#include "onnx/text.h"
#include "onnx/wire.h"

#include <onnx/onnx.pb-c.h>

typedef struct place {
    const ProtobufCMessageDescriptor *type;
    unsigned depth, graphs;
} place;

static eki_wire_type wire_type_of(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE: return EKI_WIRE_BYTES;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32: return EKI_WIRE_32;
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64: return EKI_WIRE_64;
    default: return EKI_WIRE_VARINT;
    }
}

static const char *wire_type_name(eki_wire_type type) {
    switch (type) {
    case EKI_WIRE_VARINT: return "a varint";
    case EKI_WIRE_64: return "a 64-bit number";
    case EKI_WIRE_BYTES: return "a length and bytes";
    case EKI_WIRE_32: return "a 32-bit number";
    }
    return "unknown";
}

/* A packed array must be made of whole numbers. */
static ek_status check_packed(const eki_wire *wire, const eki_field *field, eki_wire_type item, const char *name,
                              ek_error *err) {
    size_t unit = item == EKI_WIRE_32 ? 4 : 8;
    if (item != EKI_WIRE_VARINT) {
        if (field->size % unit == 0) return EK_OK;
        return eki_fail(err, EK_ERR_FORMAT,
                        "byte %zu: '%s' holds %zu bytes, expected a multiple of %zu; the file is damaged", field->start,
                        name, field->size, unit);
    }
    eki_wire inside = eki_wire_inside(wire, field);
    uint64_t value;
    while (inside.at < inside.end) {
        size_t at = inside.at;
        if (eki_wire_varint(inside.base, &inside.at, inside.end, &value)) continue;
        return eki_fail(err, EK_ERR_FORMAT, "byte %zu: '%s' holds a number that does not end; the file is damaged", at,
                        name);
    }
    return EK_OK;
}

static ek_status check_text(const eki_field *field, const ProtobufCFieldDescriptor *known, const place *here,
                            ek_error *err) {
    bool documentation = known->name[0] == 'd' && known->name[1] == 'o' && known->name[2] == 'c';
    if (documentation || eki_text_valid(field->data, field->size)) return EK_OK;
    int shown = field->size < 60 ? (int)field->size : 60;
    return eki_fail(err, EK_ERR_FORMAT,
                    "byte %zu: '%s' of %s is '%.*s', which is not UTF-8 text (or holds a NUL); the file is damaged",
                    field->start, known->name, here->type->short_name, shown, (const char *)field->data);
}

static ek_status check_field(const eki_wire *wire, const eki_field *field, const ProtobufCFieldDescriptor *known,
                             const place *here, ek_error *err) {
    eki_wire_type expected = wire_type_of(known->type);
    bool repeated = known->label == PROTOBUF_C_LABEL_REPEATED;
    if (field->type != expected) {
        if (repeated && field->type == EKI_WIRE_BYTES) return check_packed(wire, field, expected, known->name, err);
        return eki_fail(
            err, EK_ERR_FORMAT, "byte %zu: '%s' of %s is %s, expected %s; the file is damaged or not an ONNX model",
            field->start, known->name, here->type->short_name, wire_type_name(field->type), wire_type_name(expected));
    }
    return known->type == PROTOBUF_C_TYPE_STRING ? check_text(field, known, here, err) : EK_OK;
}

static ek_status check_once(const eki_field *field, const ProtobufCFieldDescriptor *known, const place *here,
                            uint64_t *seen, ek_error *err) {
    if (known->label == PROTOBUF_C_LABEL_REPEATED) return EK_OK;
    uint64_t bit = UINT64_C(1) << ((size_t)(known - here->type->fields) & 63);
    if ((*seen & bit) != 0) {
        return eki_fail(err, EK_ERR_FORMAT,
                        "byte %zu: '%s' of %s is given twice, expected once; the file is damaged or forged",
                        field->start, known->name, here->type->short_name);
    }
    *seen |= bit;
    return EK_OK;
}

static ek_status enter(const place *here, const eki_field *field, const ProtobufCMessageDescriptor *type, place *inner,
                       ek_error *err) {
    *inner = (place){.type = type, .depth = here->depth + 1, .graphs = here->graphs};
    if (type == &onnx__graph_proto__descriptor) inner->graphs++;
    if (inner->graphs > EKI_MAX_GRAPH_DEPTH) {
        return eki_fail(err, EK_ERR_LIMIT, "byte %zu: graphs are nested more than %d deep; no real model needs that",
                        field->start, EKI_MAX_GRAPH_DEPTH);
    }
    if (inner->depth > EKI_MAX_MESSAGE_DEPTH) {
        return eki_fail(err, EK_ERR_LIMIT, "byte %zu: messages are nested more than %d deep; no real model needs that",
                        field->start, EKI_MAX_MESSAGE_DEPTH);
    }
    return EK_OK;
}

static ek_status scan(eki_wire wire, const place *here, ek_error *err) {
    uint64_t seen = 0;
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(here->type, field.number);
        if (known == NULL) continue;
        EKI_TRY(check_field(&wire, &field, known, here, err));
        EKI_TRY(check_once(&field, known, here, &seen, err));
        if (known->type == PROTOBUF_C_TYPE_MESSAGE) {
            place inner;
            EKI_TRY(enter(here, &field, known->descriptor, &inner, err));
            EKI_TRY(scan(eki_wire_inside(&wire, &field), &inner, err));
        }
    }
}

ek_status eki_onnx_scan(const unsigned char *data, size_t size, ek_error *err) {
    place top = {.type = &onnx__model_proto__descriptor, .depth = 1, .graphs = 0};
    return scan(eki_wire_of(data, 0, size), &top, err);
}

bool eki_onnx_is_plain_attribute(const unsigned char *data, size_t size) {
    place top = {.type = &onnx__attribute_proto__descriptor, .depth = 1, .graphs = EKI_MAX_GRAPH_DEPTH};
    return scan(eki_wire_of(data, 0, size), &top, NULL) == EK_OK;
}

bool eki_onnx_is_tensor(const unsigned char *data, size_t size) {
    place top = {.type = &onnx__tensor_proto__descriptor, .depth = 1, .graphs = 0};
    eki_wire wire = eki_wire_of(data, 0, size);
    bool typed = false, more = true;
    if (scan(wire, &top, NULL) != EK_OK) return false;
    for (eki_field field; more && eki_wire_next(&wire, &field, &more, NULL) == EK_OK;) {
        typed = typed || (more && field.number == TENSOR_DATA_TYPE);
    }
    return typed;
}
