/* data_stream.c: raw data is read where it lies and its pages are given back; typed numbers become the bytes that raw
 * data would have; a file beside the model is read piece by piece.
 */
#include "diff/data_stream.h"

#include "diff/words.h"
#include "onnx/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GIVE_BACK = 1 << 20 };

static const uint32_t typed_fields[] = {TENSOR_FLOAT_DATA, TENSOR_INT32_DATA, TENSOR_INT64_DATA, TENSOR_DOUBLE_DATA,
                                        TENSOR_UINT64_DATA};

static bool is_typed(uint32_t number) {
    for (size_t i = 0; i < sizeof typed_fields / sizeof *typed_fields; i++) {
        if (typed_fields[i] == number) return true;
    }
    return false;
}

/* Product of the dimensions; false where it is none. */
static bool count_of(const eki_message *type, eki_bytes tensor, uint64_t *count) {
    const eki_member dims = eki_member_named(type, "dims");
    eki_items items = eki_items_of(tensor, &dims);
    *count = 1;
    for (eki_item item; eki_items_next(&items, &item);) {
        if ((int64_t)item.value < 0 || __builtin_mul_overflow(*count, item.value, count)) return false;
    }
    return true;
}

static bool size_of(const eki_data_stream *n, const eki_message *type, eki_bytes tensor, uint64_t *bytes) {
    const eki_storage *s = n->storage;
    uint64_t count;
    if (s == NULL || !count_of(type, tensor, &count)) return false;
    uint64_t entries = s->div == 1 ? count : count / s->div + (count % s->div != 0);
    return !__builtin_mul_overflow(entries, (uint64_t)s->mul * s->unit, bytes);
}

static ek_status read_entries(const eki_message *type, eki_bytes tensor, eki_external *external, ek_error *err) {
    const eki_member entries = eki_member_named(type, "external_data");
    eki_items items = eki_items_of(tensor, &entries);
    for (eki_item item; eki_items_next(&items, &item);) {
        EKI_TRY(eki_external_entry(external, eki_wire_of(item.bytes.data, 0, item.bytes.size), err));
    }
    return EK_OK;
}

static ek_status open_outside(eki_side *side, const eki_bytes *location, ek_error *err) {
    if (side->outside != NULL && strlen(side->outside) == location->size &&
        memcmp(side->outside, location->data, location->size) == 0) {
        return EK_OK;
    }
    eki_file_close(&side->reader);
    free(side->outside);
    side->outside = eki_alloc(eki_sized(location->size + 1));
    if (side->outside == NULL) return eki_fail_nomem(err, location->size);
    memcpy(side->outside, location->data, location->size);
    side->outside[location->size] = '\0';
    ek_status status = eki_file_open_below(side->folder, side->outside, &side->reader, err);
    if (status == EK_OK) return EK_OK;
    free(side->outside);
    side->outside = NULL;
    return status;
}

static ek_status find_outside(const eki_message *type, eki_bytes tensor, eki_data_stream *n, ek_error *err) {
    uint64_t needed = 0;
    EKI_TRY(read_entries(type, tensor, &n->external, err));
    if (n->external.length.data == NULL && !size_of(n, type, tensor, &needed)) {
        return eki_fail(err, EK_ERR_FORMAT, "data in another file, of a size that neither its type nor a length says");
    }
    EKI_TRY(eki_external_location(&n->external.location, err));
    EKI_TRY(eki_external_number(n->external.offset, "offset", 0, &n->offset, err));
    EKI_TRY(eki_external_number(n->external.length, "length", needed, &n->bytes, err));
    EKI_TRY(open_outside(n->side, &n->external.location, err));
    if (n->bytes <= n->side->reader.size && n->offset <= n->side->reader.size - n->bytes) return EK_OK;
    return eki_fail(err, EK_ERR_FORMAT, "data of %llu bytes at %llu of '%s', but that file has %llu bytes",
                    (unsigned long long)n->bytes, (unsigned long long)n->offset, n->side->outside,
                    (unsigned long long)n->side->reader.size);
}

/* One field of the tensor: whether it holds data, and of which kind. */
static void note(eki_data_stream *n, const eki_member *member, eki_bytes tensor) {
    eki_item item;
    eki_stored stored = EKI_STORED_NONE;
    eki_items items = eki_items_of(tensor, member);
    if (!eki_items_next(&items, &item)) return;
    if (member->number == TENSOR_DATA_TYPE) n->dtype = (int64_t)item.value;
    if (member->number == TENSOR_DATA_LOCATION && item.value != 0) stored = EKI_STORED_OUTSIDE;
    if (member->number == TENSOR_EXTERNAL_DATA && n->stored != EKI_STORED_OUTSIDE) stored = EKI_STORED_OUTSIDE;
    if (member->number == TENSOR_RAW_DATA && item.bytes.size > 0) stored = EKI_STORED_RAW;
    if (is_typed(member->number)) stored = EKI_STORED_TYPED;
    if (stored == EKI_STORED_NONE) return;
    bool again = n->stored == EKI_STORED_OUTSIDE && stored == EKI_STORED_OUTSIDE;
    n->stored = n->stored == EKI_STORED_NONE || again ? stored : EKI_STORED_SEVERAL;
    if (stored == EKI_STORED_RAW) n->raw = item.bytes;
    if (stored == EKI_STORED_TYPED) n->typed = *member;
}

static void measure_typed(eki_data_stream *n, eki_bytes tensor) {
    if (n->storage == NULL || n->storage->field != n->typed.number) {
        n->stored = EKI_STORED_SEVERAL;
        return;
    }
    n->items = eki_items_of(tensor, &n->typed);
    n->items.map = &n->side->map;
    for (eki_item item; eki_items_next(&n->items, &item);) n->bytes += n->storage->unit;
    eki_data_stream_rewind(n);
}

ek_status eki_data_stream_of(eki_comparison *c, int side, const eki_message *type, eki_bytes tensor,
                             eki_data_stream *numbers) {
    *numbers = (eki_data_stream){.side = &c->sides[side]};
    for (size_t i = 0; i < eki_message_count(type); i++) {
        eki_member member = eki_message_member(type, i);
        note(numbers, &member, tensor);
    }
    numbers->storage = eki_storage_of((int)numbers->dtype);
    numbers->bytes = numbers->raw.size;
    if (numbers->stored == EKI_STORED_TYPED) measure_typed(numbers, tensor);
    if (numbers->stored != EKI_STORED_OUTSIDE) return EK_OK;
    ek_status status = find_outside(type, tensor, numbers, c->err);
    eki_bytes name = eki_text_of(tensor, TENSOR_NAME);
    return eki_error_prefix(c->err, status, "%s: tensor '%.*s'", numbers->side->path,
                            name.size < 200 ? (int)name.size : 200, (const char *)name.data);
}

/* ---- reading ---- */

static void get_raw(eki_data_stream *n, unsigned char *to, size_t size) {
    const unsigned char *from = (const unsigned char *)n->raw.data + n->at;
    memcpy(to, from, size);
    uint64_t end = n->at + size, behind = end - end % GIVE_BACK;
    if (n->at < behind && behind >= GIVE_BACK) {
        (void)eki_map_forget(&n->side->map, (const char *)n->raw.data + behind - GIVE_BACK, GIVE_BACK);
    }
}

/* As signed number or as bit pattern. */
static bool fits(const eki_data_stream *n, uint64_t value) {
    unsigned unit = n->storage->unit;
    if (unit == 8 || n->typed.holds == EKI_HOLDS_FLOAT) return true;
    if (n->typed.holds == EKI_HOLDS_UINT) return value >> (8 * unit) == 0;
    int64_t number = (int64_t)value;
    return number >= -(INT64_C(1) << (8 * unit - 1)) && number < INT64_C(1) << (8 * unit);
}

static void get_typed(eki_data_stream *n, unsigned char *to, size_t size) {
    unsigned unit = n->storage->unit;
    n->items.member = &n->typed;
    eki_item item;
    for (size_t used = 0; used + unit <= size && eki_items_next(&n->items, &item); used += unit) {
        if (!fits(n, item.value)) n->misfit = true;
        memcpy(to + used, &item.value, unit);
    }
}

ek_status eki_data_stream_get(eki_comparison *c, eki_data_stream *n, void *to, size_t room, size_t *got) {
    uint64_t left = n->bytes - n->at;
    *got = left < room ? (size_t)left : room;
    ek_status status = EK_OK;
    if (n->stored == EKI_STORED_TYPED) *got -= *got % n->storage->unit;
    if (n->stored == EKI_STORED_RAW) get_raw(n, to, *got);
    if (n->stored == EKI_STORED_TYPED) get_typed(n, to, *got);
    if (n->stored == EKI_STORED_OUTSIDE) status = eki_file_get(&n->side->reader, n->offset + n->at, to, *got, c->err);
    n->at += *got;
    return eki_error_prefix(c->err, status, "%s: '%s'", n->side->path, n->side->outside);
}

/* The items of a typed stream begin anew at the fields that they were found in. */
void eki_data_stream_rewind(eki_data_stream *n) {
    n->at = 0;
    if (n->stored != EKI_STORED_TYPED) return;
    eki_bytes tensor = {.data = n->items.wire.base, .size = n->items.wire.end};
    n->items = eki_items_of(tensor, &n->typed);
    n->items.map = &n->side->map;
}

const char *eki_stored_words(const eki_data_stream *n) {
    switch (n->stored) {
    case EKI_STORED_RAW: return "raw_data";
    case EKI_STORED_TYPED: return n->typed.name;
    case EKI_STORED_OUTSIDE: return "another file";
    default: return "no data";
    }
}
