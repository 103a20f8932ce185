/* protobuild.h: a few lines of protobuf writing for tests, independent of the code under test.
 *
 *     pb node = {0};
 *     pb_text(&node, 4, "Relu");
 *     pb_message(&graph, 1, &node);    appends and frees node
 */
#ifndef TEST_PROTOBUILD_H
#define TEST_PROTOBUILD_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct pb {
    unsigned char *data;
    size_t size, room;
} pb;

static inline void pb_raw(pb *b, const void *data, size_t size) {
    if (b->size + size > b->room) {
        b->room = 2 * (b->size + size) + 64;
        b->data = realloc(b->data, b->room);
        if (b->data == NULL) abort();
    }
    if (size > 0) memcpy(b->data + b->size, data, size);
    b->size += size;
}

static inline void pb_free(pb *b) {
    free(b->data);
    *b = (pb){0};
}

static inline void pb_number(pb *b, uint64_t value) {
    do {
        unsigned char byte = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        pb_raw(b, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

static inline void pb_tag(pb *b, unsigned field, unsigned wire) { pb_number(b, (uint64_t)field << 3 | wire); }

static inline void pb_int(pb *b, unsigned field, int64_t value) {
    pb_tag(b, field, 0);
    pb_number(b, (uint64_t)value);
}

static inline void pb_float(pb *b, unsigned field, float value) {
    pb_tag(b, field, 5);
    pb_raw(b, &value, sizeof value);
}

static inline void pb_bytes(pb *b, unsigned field, const void *data, size_t size) {
    pb_tag(b, field, 2);
    pb_number(b, size);
    pb_raw(b, data, size);
}

static inline void pb_text(pb *b, unsigned field, const char *text) { pb_bytes(b, field, text, strlen(text)); }

static inline void pb_message(pb *b, unsigned field, pb *child) {
    pb_bytes(b, field, child->data, child->size);
    pb_free(child);
}

#endif
