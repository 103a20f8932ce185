/* wire.c: the protobuf wire format (protobuf.dev, "Encoding"), with every length checked against its range.
 *
 * All reading of model bytes goes through eki_wire_next, so that no other code does arithmetic on lengths from a file.
 * Encodings that no writer produces (groups, which proto3 dropped; tags and lengths over 5 bytes) are refused: they
 * appear in attacks and damage only.
 */
#include "onnx/wire.h"

enum { MAX_SHORT_VARINT = 5 };

eki_wire eki_wire_of(const unsigned char *base, size_t start, size_t end) {
    return (eki_wire){.base = base, .at = start, .end = end};
}

eki_wire eki_wire_inside(const eki_wire *wire, const eki_field *field) {
    return (eki_wire){.base = wire->base, .at = field->end - field->size, .end = field->end};
}

bool eki_wire_varint(const unsigned char *base, size_t *at, size_t end, uint64_t *value) {
    uint64_t result = 0;
    size_t position = *at;
    for (unsigned shift = 0; shift < 64 && position < end; shift += 7) {
        unsigned char byte = base[position++];
        if (shift == 63 && byte > 1) return false;
        result |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *at = position;
            *value = result;
            return true;
        }
    }
    return false;
}

static ek_status fail_varint(const eki_wire *wire, size_t at, const char *what, ek_error *err) {
    size_t left = wire->end - at;
    if (left >= 10) {
        return eki_fail(err, EK_ERR_FORMAT, "byte %zu: %s is longer than 64 bits; the file is damaged", at, what);
    }
    return eki_fail(err, EK_ERR_FORMAT,
                    "byte %zu: %s breaks off at the end of its message; the file is cut short or "
                    "damaged",
                    at, what);
}

static ek_status read_short(eki_wire *wire, const char *what, uint64_t *value, ek_error *err) {
    size_t start = wire->at;
    if (!eki_wire_varint(wire->base, &wire->at, wire->end, value)) return fail_varint(wire, start, what, err);
    if (wire->at - start > MAX_SHORT_VARINT) {
        return eki_fail(err, EK_ERR_FORMAT, "byte %zu: %s takes %zu bytes, at most %d are valid; the file is damaged",
                        start, what, wire->at - start, MAX_SHORT_VARINT);
    }
    return EK_OK;
}

static ek_status read_tag(eki_wire *wire, eki_field *field, ek_error *err) {
    uint64_t tag;
    field->start = wire->at;
    EKI_TRY(read_short(wire, "a field tag", &tag, err));
    uint64_t number = tag >> 3;
    unsigned type = (unsigned)(tag & 7);
    if (number == 0 || number > 0x1fffffff) {
        return eki_fail(err, EK_ERR_FORMAT,
                        "byte %zu: field number %llu, valid are 1 to 536870911; the file is damaged", field->start,
                        (unsigned long long)number);
    }
    if (type == 3 || type == 4) {
        return eki_fail(err, EK_ERR_FORMAT,
                        "byte %zu: field %llu is a protobuf group, which ONNX does not use; the file is damaged",
                        field->start, (unsigned long long)number);
    }
    if (type > 5) {
        return eki_fail(err, EK_ERR_FORMAT,
                        "byte %zu: field %llu has wire type %u, which does not exist; the file is "
                        "damaged",
                        field->start, (unsigned long long)number, type);
    }
    field->number = (uint32_t)number;
    field->type = (eki_wire_type)type;
    return EK_OK;
}

/* The payload of `size` bytes, if the range has that many. */
static ek_status take(eki_wire *wire, eki_field *field, uint64_t size, ek_error *err) {
    size_t left = wire->end - wire->at;
    if (size > left) {
        return eki_fail(
            err, EK_ERR_FORMAT,
            "byte %zu: field %u needs %llu bytes, its message has %zu left; the file is cut short or damaged",
            field->start, field->number, (unsigned long long)size, left);
    }
    field->data = wire->base + wire->at;
    field->size = (size_t)size;
    wire->at += (size_t)size;
    field->end = wire->at;
    return EK_OK;
}

static uint64_t little_endian(const unsigned char *data, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value |= (uint64_t)data[i] << (8 * i);
    return value;
}

ek_status eki_wire_next(eki_wire *wire, eki_field *field, bool *more, ek_error *err) {
    *more = wire->at < wire->end;
    if (!*more) return EK_OK;
    EKI_TRY(read_tag(wire, field, err));
    field->value = 0;
    uint64_t size = field->type == EKI_WIRE_64 ? 8 : 4;
    if (field->type == EKI_WIRE_VARINT) {
        size_t start = wire->at, at = start;
        if (!eki_wire_varint(wire->base, &at, wire->end, &field->value)) {
            return fail_varint(wire, start, "a number", err);
        }
        return take(wire, field, at - start, err);
    }
    if (field->type == EKI_WIRE_BYTES) {
        EKI_TRY(read_short(wire, "a length", &size, err));
        return take(wire, field, size, err);
    }
    EKI_TRY(take(wire, field, size, err));
    field->value = little_endian(field->data, field->size);
    return EK_OK;
}
