/* mutate.c: a message is taken apart into pieces, one per field; pieces are changed, joined by others, shuffled, and
 * put together again, from the inside outwards.
 */
#include "mutate.h"

#include "protoread.h"

#include <onnx/onnx.pb-c.h>

typedef struct piece {
    uint32_t number;
    unsigned packed; /* a packed array that we made, which may grow */
    pb bytes;        /* the whole field; of a packed array its items */
} piece;

typedef struct pieces {
    piece *items;
    size_t count, room;
} pieces;

typedef struct mutant {
    unsigned mutations, rarity;
    uint64_t state;
} mutant;

uint64_t mutate_random(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int chance(mutant *m, unsigned mutation) {
    return (m->mutations & mutation) != 0 && mutate_random(&m->state) % m->rarity == 0;
}

static int can_read(const ProtobufCMessageDescriptor *type, const unsigned char *at, const unsigned char *end) {
    while (at < end) {
        pb_field f;
        if (!pb_next(&at, end, &f)) return 0;
        const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(type, f.number);
        if (known == NULL || known->type != PROTOBUF_C_TYPE_MESSAGE) continue;
        if (f.wire != 2 || !can_read(known->descriptor, f.data, f.data + f.size)) return 0;
    }
    return 1;
}

int mutate_can(const void *data, size_t size) {
    const unsigned char *bytes = data;
    return can_read(&onnx__model_proto__descriptor, bytes, bytes + size);
}

/* ---- writing ---- */

/* As a varint, perhaps longer than needed, of at most `limit` bytes. */
static void put_varint(mutant *m, pb *out, uint64_t value, size_t limit) {
    unsigned char bytes[10];
    size_t size = 0;
    for (; value >= 0x80; value >>= 7) bytes[size++] = (unsigned char)(value | 0x80);
    bytes[size++] = (unsigned char)value;
    if (size < limit && chance(m, MUTATE_VARINTS)) {
        size_t longer = size + 1 + mutate_random(&m->state) % (limit - size);
        bytes[size - 1] |= 0x80;
        while (size < longer) bytes[size++] = 0x80;
        bytes[size - 1] = 0;
    }
    pb_raw(out, bytes, size);
}

static void put_tag(mutant *m, pb *out, uint32_t number, unsigned wire) {
    put_varint(m, out, (uint64_t)number << 3 | wire, 5);
}

static void put_bytes(mutant *m, pb *out, uint32_t number, const void *data, size_t size) {
    put_tag(m, out, number, 2);
    put_varint(m, out, size, 5);
    pb_raw(out, data, size);
}

static pb *add_piece(pieces *list, uint32_t number) {
    if (list->count == list->room) {
        list->room = 2 * list->room + 16;
        list->items = realloc(list->items, list->room * sizeof *list->items);
        if (list->items == NULL) abort();
    }
    piece *p = &list->items[list->count++];
    *p = (piece){.number = number};
    return &p->bytes;
}

static void join(mutant *m, const pieces *list, size_t begin, size_t end, pb *out) {
    for (size_t i = begin; i < end; i++) {
        const piece *p = &list->items[i];
        if (p->packed) {
            put_bytes(m, out, p->number, p->bytes.data, p->bytes.size);
        } else {
            pb_raw(out, p->bytes.data, p->bytes.size);
        }
    }
}

static void free_pieces(pieces *list) {
    for (size_t i = 0; i < list->count; i++) pb_free(&list->items[i].bytes);
    free(list->items);
    *list = (pieces){0};
}

/* ---- changes ---- */

static void copy_field(mutant *m, pieces *list, const pb_field *f) {
    pb *out = add_piece(list, f->number);
    if (f->wire == 2) {
        put_bytes(m, out, f->number, f->data, f->size);
        return;
    }
    put_tag(m, out, f->number, f->wire);
    if (f->wire == 0) {
        put_varint(m, out, f->value, 10);
    } else {
        pb_raw(out, f->data, f->size);
    }
}

static void add_unknown(mutant *m, pieces *list) {
    static const unsigned wires[] = {0, 1, 2, 5};
    uint64_t random = mutate_random(&m->state);
    pb_field f = {.number = 1000 + (uint32_t)(random % 5000), .wire = wires[random >> 20 & 3], .value = random};
    f.data = (const unsigned char *)&f.value;
    f.size = f.wire == 1 ? 8 : f.wire == 5 ? 4 : random >> 30 & 7;
    copy_field(m, list, &f);
}

static unsigned number_wire(const ProtobufCFieldDescriptor *known) {
    switch (known->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES: return 2;
    case PROTOBUF_C_TYPE_FLOAT: return 5;
    case PROTOBUF_C_TYPE_DOUBLE: return 1;
    default: return 0;
    }
}

/* An item joins the packed array before it, or becomes one. */
static void pack(mutant *m, pieces *list, const pb_field *f) {
    piece *last = list->count > 0 ? &list->items[list->count - 1] : NULL;
    pb *out = last != NULL && last->packed && last->number == f->number ? &last->bytes : add_piece(list, f->number);
    list->items[list->count - 1].packed = 1;
    if (f->wire == 0) {
        put_varint(m, out, f->value, 10);
    } else {
        pb_raw(out, f->data, f->size);
    }
}

static void repack(mutant *m, pieces *list, const pb_field *f, unsigned wire) {
    int keep = (m->mutations & MUTATE_PACKING) == 0 || f->size > 100000;
    if (f->wire == wire) {
        if (!keep && mutate_random(&m->state) % 2 == 0) {
            pack(m, list, f);
        } else {
            copy_field(m, list, f);
        }
        return;
    }
    if (keep || f->size == 0) {
        copy_field(m, list, f);
        return;
    }
    const unsigned char *at = f->data, *end = f->data + f->size;
    while (at < end) {
        pb_field item = {.number = f->number, .wire = wire, .data = at, .size = wire == 5 ? 4 : 8};
        if (wire != 0) {
            at += item.size;
        } else if (!pb_read_number(&at, end, &item.value)) {
            return;
        }
        if (mutate_random(&m->state) % 4 != 0) {
            pack(m, list, &item);
        } else {
            copy_field(m, list, &item);
        }
    }
}

/* Shuffles; fields of one number keep their order among themselves, which has a meaning. */
static void shuffle(mutant *m, pieces *list) {
    size_t n = list->count;
    uint32_t *numbers = malloc((n + 1) * sizeof *numbers);
    piece *old = malloc((n + 1) * sizeof *old);
    if (numbers == NULL || old == NULL) abort();
    for (size_t i = 0; i < n; i++) {
        old[i] = list->items[i];
        numbers[i] = old[i].number;
    }
    for (size_t i = n; i > 1; i--) {
        size_t k = mutate_random(&m->state) % i;
        uint32_t t = numbers[i - 1];
        numbers[i - 1] = numbers[k];
        numbers[k] = t;
    }
    /* Per number, the pieces in their order; a cursor for each of the few small numbers spares the search. */
    size_t cursor[64] = {0};
    for (size_t i = 0; i < n; i++) {
        size_t slot = numbers[i] & 63, k = numbers[i] < 64 ? cursor[slot] : 0;
        while (old[k].number != numbers[i] || old[k].bytes.room == SIZE_MAX) k++;
        list->items[i] = old[k];
        old[k].bytes.room = SIZE_MAX;
        if (numbers[i] < 64) cursor[slot] = k + 1;
    }
    free(numbers);
    free(old);
}

static void take_apart(mutant *m, const ProtobufCMessageDescriptor *type, const unsigned char *at,
                       const unsigned char *end, pieces *list);

static void nested(mutant *m, pieces *list, const pb_field *f, const ProtobufCFieldDescriptor *known) {
    pieces inside = {0};
    take_apart(m, known->descriptor, f->data, f->data + f->size, &inside);
    int split = known->label != PROTOBUF_C_LABEL_REPEATED && chance(m, MUTATE_SPLIT);
    size_t middle = split ? mutate_random(&m->state) % (inside.count + 1) : 0;
    pb payload = {0};
    if (split) {
        join(m, &inside, 0, middle, &payload);
        put_bytes(m, add_piece(list, f->number), f->number, payload.data, payload.size);
        pb_free(&payload);
    }
    join(m, &inside, middle, inside.count, &payload);
    put_bytes(m, add_piece(list, f->number), f->number, payload.data, payload.size);
    pb_free(&payload);
    free_pieces(&inside);
}

static void take_apart(mutant *m, const ProtobufCMessageDescriptor *type, const unsigned char *at,
                       const unsigned char *end, pieces *list) {
    while (at < end) {
        pb_field f;
        if (!pb_next(&at, end, &f)) return;
        const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(type, f.number);
        if (known == NULL) {
            copy_field(m, list, &f);
        } else if (known->type == PROTOBUF_C_TYPE_MESSAGE) {
            nested(m, list, &f, known);
        } else if (known->label == PROTOBUF_C_LABEL_REPEATED && number_wire(known) != 2) {
            repack(m, list, &f, number_wire(known));
        } else {
            copy_field(m, list, &f);
        }
        if (chance(m, MUTATE_UNKNOWN)) add_unknown(m, list);
    }
    if (chance(m, MUTATE_ORDER)) shuffle(m, list);
}

void mutate_model(const void *data, size_t size, unsigned mutations, unsigned rarity, uint64_t seed, pb *out) {
    mutant m = {.mutations = mutations, .rarity = rarity, .state = seed};
    const unsigned char *bytes = data;
    pieces list = {0};
    take_apart(&m, &onnx__model_proto__descriptor, bytes, bytes + size, &list);
    join(&m, &list, 0, list.count, out);
    free_pieces(&list);
}
