/* wire.h: reading the protobuf wire format, one field at a time, without trust.
 *
 *     eki_wire wire = eki_wire_of(base, 0, size);
 *     eki_field field;
 *     bool more;
 *     for (;;) {
 *         EKI_TRY(eki_wire_next(&wire, &field, &more, err));
 *         if (!more) break;
 *         if (field.number == 7) ... field.data, field.size ...
 *     }
 */
#ifndef EKI_ONNX_WIRE_H
#define EKI_ONNX_WIRE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum eki_wire_type { EKI_WIRE_VARINT = 0, EKI_WIRE_64 = 1, EKI_WIRE_BYTES = 2, EKI_WIRE_32 = 5 } eki_wire_type;

/* A range [at, end) of the bytes at `base`. Offsets in messages count from `base`. */
typedef struct eki_wire {
    const unsigned char *base;
    size_t at, end;
} eki_wire;

typedef struct eki_field {
    uint32_t number;
    eki_wire_type type;
    uint64_t value;            /* VARINT, 64 and 32: the number */
    const unsigned char *data; /* BYTES: the payload, else the encoded value */
    size_t size;               /* of data */
    size_t start;              /* offset of the tag; the field is [start, end) */
    size_t end;
} eki_field;

eki_wire eki_wire_of(const unsigned char *base, size_t start, size_t end);

/* The payload of a BYTES field as a range of the same bytes. */
eki_wire eki_wire_inside(const eki_wire *wire, const eki_field *field);

/* The next field; *more = false at the end of the range. Refuses (EK_ERR_FORMAT) lengths beyond the range, varints of
 * more than 64 bits, lengths of more than 5 bytes, field number 0, groups and unknown wire types. */
ek_status eki_wire_next(eki_wire *wire, eki_field *field, bool *more, ek_error *err);

/* One varint at *at, which moves behind it; false when it does not end before `end` or exceeds 64 bits. */
bool eki_wire_varint(const unsigned char *base, size_t *at, size_t end, uint64_t *value);

#endif
