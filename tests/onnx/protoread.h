/* protoread.h: a few lines of protobuf reading for tests, independent of the code under test.
 *
 *     for (pb_field f; pb_next(&at, end, &f);) ... f.number, f.wire, f.value, f.data, f.size ...
 */
#ifndef TEST_PROTOREAD_H
#define TEST_PROTOREAD_H

#include <stddef.h>
#include <stdint.h>

typedef struct pb_field {
    uint32_t number;
    unsigned wire;
    uint64_t value;             /* of a varint */
    const unsigned char *data;  /* payload of the others */
    size_t size;                /* of data */
    const unsigned char *start; /* of the tag */
    size_t tag_size;
} pb_field;

static inline int pb_read_number(const unsigned char **at, const unsigned char *end, uint64_t *value) {
    *value = 0;
    for (unsigned shift = 0; *at < end && shift < 70; shift += 7) {
        unsigned char byte = *(*at)++;
        if (shift < 64) *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return 1;
    }
    return 0;
}

/* The next field; 0 at the end, or where the bytes are no field. */
static inline int pb_next(const unsigned char **at, const unsigned char *end, pb_field *f) {
    uint64_t tag, size = 0;
    *f = (pb_field){.start = *at};
    if (!pb_read_number(at, end, &tag)) return 0;
    f->tag_size = (size_t)(*at - f->start);
    f->number = (uint32_t)(tag >> 3);
    f->wire = (unsigned)(tag & 7);
    if (f->wire == 0) return pb_read_number(at, end, &f->value);
    if (f->wire == 2 && !pb_read_number(at, end, &size)) return 0;
    if (f->wire == 1) size = 8;
    if (f->wire == 5) size = 4;
    if (f->wire == 3 || f->wire == 4 || f->wire > 5 || size > (uint64_t)(end - *at)) return 0;
    f->data = *at;
    f->size = (size_t)size;
    *at += size;
    return 1;
}

#endif
