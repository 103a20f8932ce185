/* tensors.c: TensorProto: type and dimensions, then the numbers, wherever they are stored, then all else.
 *
 * Numbers are compared as the bytes that raw data would have: first whether they are equal, then, of floating-point
 * numbers that are not, by how much. Equal numbers in another form are told as "stored".
 */
#include "base/half.h"
#include "diff/data_stream.h"
#include "diff/messages.h"
#include "diff/words.h"
#include "onnx/schema.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { PIECE = 1 << 15 };

/* Which kind a change of the tensor has: an initializer has kinds of its own, in an attribute it is a value. */
static const char *kind_of(const eki_spot *at, const char *kind) {
    return strcmp(eki_spot_kind(at), "tensor") == 0 ? kind : NULL;
}

/* ---- by how much ---- */

static bool is_real(int64_t dtype) { return dtype == EK_F32 || dtype == EK_F64 || dtype == EK_F16 || dtype == EK_BF16; }

static double real_at(int64_t dtype, const unsigned char *bytes) {
    float number;
    double wide;
    uint16_t half;
    if (dtype == EK_F64) {
        memcpy(&wide, bytes, sizeof wide);
        return wide;
    }
    if (dtype == EK_F32) {
        memcpy(&number, bytes, sizeof number);
        return (double)number;
    }
    memcpy(&half, bytes, sizeof half);
    eki_half_widen((ek_dtype)dtype, &half, &number, 1);
    return (double)number;
}

typedef struct distance {
    double worst, scale;
} distance;

static void measure(distance *d, double p, double q) {
    double gap = p == q || (isnan(p) && isnan(q)) ? 0 : fabs(p - q);
    if (!(gap <= d->worst)) d->worst = isnan(gap) ? HUGE_VAL : gap;
    if (isfinite(p)) d->scale = fmax(d->scale, fabs(p));
}

/* The largest finite magnitude of a piece. As integers, numbers without their sign are in the order of their size. */
static inline uint64_t largest_of(size_t unit, uint64_t infinity, const unsigned char *bytes, size_t size) {
    uint64_t worst = 0, magnitude = (UINT64_C(1) << (8 * unit - 1)) - 1;
    for (size_t i = 0; i + unit <= size; i += unit) {
        uint64_t bits = 0;
        memcpy(&bits, bytes + i, unit);
        bits &= magnitude;
        if (bits < infinity && bits > worst) worst = bits;
    }
    return worst;
}

static double largest(int64_t dtype, const unsigned char *bytes, size_t size) {
    uint64_t worst = 0;
    if (dtype == EK_F64) worst = largest_of(8, UINT64_C(0x7ff0) << 48, bytes, size);
    if (dtype == EK_F32) worst = largest_of(4, UINT64_C(0x7f800000), bytes, size);
    if (dtype == EK_F16) worst = largest_of(2, 0x7c00, bytes, size);
    if (dtype == EK_BF16) worst = largest_of(2, 0x7f80, bytes, size);
    return real_at(dtype, (const unsigned char *)&worst);
}

/* Most pieces of two large tensors are equal, or all are not. */
static void measure_pieces(distance *d, int64_t dtype, unsigned unit, const unsigned char *x, const unsigned char *y,
                           size_t size) {
    if (memcmp(x, y, size) == 0) {
        d->scale = fmax(d->scale, largest(dtype, x, size));
        return;
    }
    for (size_t i = 0; i + unit <= size; i += unit) measure(d, real_at(dtype, x + i), real_at(dtype, y + i));
}

/* max |a - b| / max |a| */
static ek_status tell_relative(eki_comparison *c, eki_data_stream *a, eki_data_stream *b, const eki_spot *at) {
    unsigned char x[PIECE], y[PIECE];
    unsigned unit = a->storage->unit;
    distance d = {0, 0};
    size_t got, too;
    eki_data_stream_rewind(a);
    eki_data_stream_rewind(b);
    for (;;) {
        EKI_TRY(eki_data_stream_get(c, a, x, PIECE, &got));
        EKI_TRY(eki_data_stream_get(c, b, y, PIECE, &too));
        if (got < unit) break;
        measure_pieces(&d, a->dtype, unit, x, y, got);
    }
    double relative = d.worst == 0 ? 0 : d.scale > 0 ? d.worst / d.scale : HUGE_VAL;
    return eki_tell(c, at, NULL, relative, "relative difference %.3g", relative);
}

/* ---- the first that differs ---- */

static bool integer_at(int64_t dtype, const unsigned char *bytes, unsigned unit, int64_t *number) {
    bool is_signed = dtype == EK_I8 || dtype == EK_I16 || dtype == EK_I32 || dtype == EK_I64;
    bool is_unsigned = dtype == EK_U8 || dtype == EK_U16 || dtype == EK_U32 || dtype == EK_BOOL;
    uint64_t bits = 0;
    memcpy(&bits, bytes, unit);
    if (is_signed && unit < 8) bits = (uint64_t)((int64_t)(bits << (64 - 8 * unit)) >> (64 - 8 * unit));
    *number = (int64_t)bits;
    return is_signed || is_unsigned;
}

static ek_status tell_first(eki_comparison *c, const eki_data_stream *a, const unsigned char *x, const unsigned char *y,
                            uint64_t at_byte, const eki_spot *at) {
    int64_t p, q;
    unsigned unit = a->storage != NULL ? a->storage->unit : 1;
    if (!integer_at(a->dtype, x, unit, &p) || !integer_at(a->dtype, y, unit, &q)) {
        return eki_tell(c, at, NULL, HUGE_VAL, "other values, the first at byte %" PRIu64, at_byte);
    }
    return eki_tell(c, at, NULL, HUGE_VAL, "other values, the first [%" PRIu64 "]: %" PRId64 " -> %" PRId64,
                    at_byte / unit, p, q);
}

static ek_status tell_numbers(eki_comparison *c, eki_data_stream *a, eki_data_stream *b, const unsigned char *x,
                              const unsigned char *y, size_t size, uint64_t offset, const eki_spot *at) {
    size_t i = 0, unit = a->storage != NULL ? a->storage->unit : 1;
    if (a->storage != NULL && is_real(a->dtype)) return tell_relative(c, a, b, at);
    while (i < size && x[i] == y[i]) i++;
    i -= i % unit;
    return tell_first(c, a, x + i, y + i, offset + i, at);
}

/* ---- whether they are equal ---- */

static bool same_place(const eki_data_stream *a, const eki_data_stream *b) {
    return a->stored == EKI_STORED_OUTSIDE && b->stored == EKI_STORED_OUTSIDE &&
           a->side->reader.device == b->side->reader.device && a->side->reader.inode == b->side->reader.inode &&
           a->offset == b->offset;
}

static ek_status tell_stored(eki_comparison *c, const eki_data_stream *a, const eki_data_stream *b,
                             const eki_spot *at) {
    bool outside = a->stored == EKI_STORED_OUTSIDE || b->stored == EKI_STORED_OUTSIDE; /* told by its fields */
    if (a->stored == b->stored || outside || a->bytes == 0) return EK_OK;
    return eki_tell(c, at, kind_of(at, "stored"), 0, "stored differently: %s -> %s, the same numbers",
                    eki_stored_words(a), eki_stored_words(b));
}

static ek_status compare_numbers(eki_comparison *c, eki_data_stream *a, eki_data_stream *b, const eki_spot *at) {
    unsigned char x[PIECE], y[PIECE];
    if (a->bytes != b->bytes) {
        return eki_tell(c, at, NULL, HUGE_VAL, "%" PRIu64 " bytes of data -> %" PRIu64, a->bytes, b->bytes);
    }
    for (uint64_t offset = 0; !same_place(a, b);) {
        size_t got, too;
        EKI_TRY(eki_data_stream_get(c, a, x, PIECE, &got));
        EKI_TRY(eki_data_stream_get(c, b, y, PIECE, &too));
        if (got == 0) break;
        if (memcmp(x, y, got) != 0) return tell_numbers(c, a, b, x, y, got, offset, at);
        offset += got;
    }
    if (a->misfit || b->misfit) {
        return eki_tell(c, at, NULL, HUGE_VAL, "numbers that do not fit %s",
                        a->stored == EKI_STORED_TYPED ? a->typed.name : b->typed.name);
    }
    return tell_stored(c, a, b, at);
}

/* ---- the message ---- */

static bool is_data(uint32_t number) {
    return number == TENSOR_RAW_DATA || number == TENSOR_FLOAT_DATA || number == TENSOR_INT32_DATA ||
           number == TENSOR_INT64_DATA || number == TENSOR_DOUBLE_DATA || number == TENSOR_UINT64_DATA;
}

static bool is_kind(uint32_t number) { return number == TENSOR_DIMS || number == TENSOR_DATA_TYPE; }

static bool same_member(eki_comparison *c, const eki_member *member, eki_bytes a, eki_bytes b) {
    eki_items p = eki_items_of(a, member), q = eki_items_of(b, member);
    p.map = &c->sides[0].map;
    q.map = &c->sides[1].map;
    for (;;) {
        eki_item x = {0}, y = {0};
        bool more = eki_items_next(&p, &x), more_too = eki_items_next(&q, &y);
        if (!more && !more_too) return true;
        bool zero = !member->repeated && x.value == 0 && y.value == 0;
        if ((more != more_too && !zero) || x.value != y.value) return false;
    }
}

static bool same_kind(eki_comparison *c, const eki_message *type, eki_bytes a, eki_bytes b) {
    const eki_member dims = eki_member_named(type, "dims"), dtype = eki_member_named(type, "data_type");
    return same_member(c, &dims, a, b) && same_member(c, &dtype, a, b);
}

/* Both typed, in the same field: then equal entries are equal, also those that do not fit. */
static bool same_entries(eki_comparison *c, const eki_data_stream *a, const eki_data_stream *b, eki_bytes x,
                         eki_bytes y) {
    bool typed = a->stored == EKI_STORED_TYPED && b->stored == EKI_STORED_TYPED;
    return typed && a->typed.number == b->typed.number && same_member(c, &a->typed, x, y);
}

static bool is_stream(const eki_data_stream *n) {
    bool bytes = n->stored == EKI_STORED_RAW || n->stored == EKI_STORED_OUTSIDE || n->stored == EKI_STORED_NONE;
    return n->stored != EKI_STORED_SEVERAL && (n->storage != NULL || bytes);
}

static ek_status compare_rest(eki_comparison *c, const eki_message *type, eki_bytes a, eki_bytes b, bool numbers,
                              const eki_spot *at) {
    for (size_t i = 0; i < eki_message_count(type); i++) {
        eki_member member = eki_message_member(type, i);
        bool done;
        if (is_kind(member.number) || (numbers && is_data(member.number))) continue;
        EKI_TRY(eki_compare_by_rule(c, type, &member, a, b, at, &done));
        eki_spot spot = {.up = at, .role = EKI_SPOT_FIELD, .field = member.name};
        if (!done) EKI_TRY(eki_compare_member(c, &member, a, b, &spot));
    }
    return eki_compare_unknown(c, type, a, b, at);
}

ek_status eki_compare_tensors(eki_comparison *c, const eki_message *type, eki_bytes a, eki_bytes b,
                              const eki_spot *at) {
    char left[EKI_WORDS], right[EKI_WORDS];
    eki_data_stream x, y;
    if (!same_kind(c, type, a, b)) {
        EKI_TRY(eki_tell(c, at, kind_of(at, "tensor-type"), HUGE_VAL, "%s -> %s", eki_message_words(type, a, left),
                         eki_message_words(type, b, right)));
        return compare_rest(c, type, a, b, true, at);
    }
    EKI_TRY(eki_data_stream_of(c, 0, type, a, &x));
    EKI_TRY(eki_data_stream_of(c, 1, type, b, &y));
    bool streams = is_stream(&x) && is_stream(&y);
    if (streams && !same_entries(c, &x, &y, a, b)) EKI_TRY(compare_numbers(c, &x, &y, at));
    return compare_rest(c, type, a, b, streams, at);
}
