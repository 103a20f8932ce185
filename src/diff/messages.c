/* messages.c: the fields that have no rule of their own.
 *
 * A number or text that is absent says the same as its default (0, empty), as protobuf has it; a message, or one of
 * several choices, says something by being there. How a number is encoded, whether a list is packed, and in which order
 * fields of different numbers come, is below what protobuf delivers, and so below what is told.
 */
#include "diff/messages.h"

#include "diff/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool same_bytes(eki_bytes a, eki_bytes b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool same_item(const eki_member *member, const eki_item *a, const eki_item *b) {
    return member->holds < EKI_HOLDS_TEXT ? a->value == b->value : same_bytes(a->bytes, b->bytes);
}

static eki_spot field_spot(const eki_member *member, const eki_spot *at) {
    return (eki_spot){.up = at, .role = EKI_SPOT_FIELD, .field = member->name};
}

/* ---- one value ---- */

static ek_status tell_values(eki_comparison *c, const eki_member *member, const eki_item *a, const eki_item *b,
                             const eki_spot *at) {
    char left[EKI_WORDS], right[EKI_WORDS];
    if (a != NULL && b != NULL && member->holds >= EKI_HOLDS_TEXT) {
        size_t from = eki_parting(a->bytes, b->bytes);
        return eki_tell(c, at, NULL, 0, "%s -> %s", eki_quote(a->bytes, from, left), eki_quote(b->bytes, from, right));
    }
    return eki_tell(c, at, NULL, 0, "%s -> %s", eki_item_words(member, a, left), eki_item_words(member, b, right));
}

static ek_status compare_value(eki_comparison *c, const eki_member *member, eki_bytes a, eki_bytes b,
                               const eki_spot *at) {
    eki_item x = {0}, y = {0};
    bool left = eki_item_of(a, member, &x), right = eki_item_of(b, member, &y);
    bool present = member->choice && left != right;
    if (!present && same_item(member, &x, &y)) return EK_OK;
    return tell_values(c, member, present && !left ? NULL : &x, present && !right ? NULL : &y, at);
}

/* ---- lists ---- */

static ek_status compare_list(eki_comparison *c, const eki_member *member, eki_bytes a, eki_bytes b,
                              const eki_spot *at) {
    eki_items p = eki_items_of(a, member), q = eki_items_of(b, member);
    char left[EKI_WORDS], right[EKI_WORDS];
    for (size_t i = 0;; i++) {
        eki_item x, y;
        bool more = eki_items_next(&p, &x), more_too = eki_items_next(&q, &y);
        if (!more && !more_too) return EK_OK;
        if (more && more_too && same_item(member, &x, &y)) continue;
        if (more && more_too && i >= 8 && member->holds >= EKI_HOLDS_TEXT) {
            eki_spot item = {.up = at, .role = EKI_SPOT_FIELD, .numbered = true, .index = i};
            return tell_values(c, member, &x, &y, &item);
        }
        return eki_tell(c, at, NULL, 0, "%s -> %s", eki_list_words(member, a, i, left),
                        eki_list_words(member, b, i, right));
    }
}

/* ---- messages ---- */

static ek_status tell_presence(eki_comparison *c, const eki_member *member, eki_bytes message, bool added,
                               const eki_spot *at) {
    char words[EKI_WORDS];
    (void)eki_message_words(member->message, message, words);
    const char *what = words[0] != '\0' ? words : "present";
    return eki_tell(c, at, NULL, 0, "%s -> %s", added ? "none" : what, added ? what : "none");
}

static ek_status compare_message(eki_comparison *c, const eki_member *member, eki_bytes a, eki_bytes b,
                                 const eki_spot *at) {
    eki_items p = eki_items_of(a, member), q = eki_items_of(b, member);
    for (size_t i = 0;; i++) {
        eki_item x, y;
        bool more = eki_items_next(&p, &x), more_too = eki_items_next(&q, &y);
        eki_spot item = *at;
        if (!more && !more_too) return EK_OK;
        item.numbered = member->repeated;
        item.index = i;
        if (more && more_too) {
            EKI_TRY(eki_compare_messages(c, member->message, x.bytes, y.bytes, &item));
        } else {
            EKI_TRY(tell_presence(c, member, more ? x.bytes : y.bytes, more_too, &item));
        }
    }
}

ek_status eki_compare_member(eki_comparison *c, const eki_member *member, eki_bytes a, eki_bytes b,
                             const eki_spot *at) {
    if (member->holds == EKI_HOLDS_MESSAGE) return compare_message(c, member, a, b, at);
    return member->repeated ? compare_list(c, member, a, b, at) : compare_value(c, member, a, b, at);
}

ek_status eki_compare_messages(eki_comparison *c, const eki_message *type, eki_bytes a, eki_bytes b,
                               const eki_spot *at) {
    const char *name = eki_message_name(type);
    if (strcmp(name, "TensorProto") == 0) return eki_compare_tensors(c, type, a, b, at);
    if (strcmp(name, "AttributeProto") == 0) return eki_compare_attributes(c, type, a, b, at);
    for (size_t i = 0; i < eki_message_count(type); i++) {
        eki_member member = eki_message_member(type, i);
        bool done;
        EKI_TRY(eki_compare_by_rule(c, type, &member, a, b, at, &done));
        eki_spot spot = field_spot(&member, at);
        if (!done) EKI_TRY(eki_compare_member(c, &member, a, b, &spot));
    }
    return eki_compare_unknown(c, type, a, b, at);
}

/* ---- unknown fields ---- */

/* Fields of one number come in their order; how the numbers mix says nothing. */
typedef struct unknown {
    eki_field field;
    size_t index;
} unknown;

static size_t count_unknown(const eki_message *type, eki_bytes message, unknown *fields) {
    eki_wire wire = eki_wire_of(message.data, 0, message.size);
    size_t count = 0;
    bool more;
    for (eki_field f; eki_wire_next(&wire, &f, &more, NULL) == EK_OK && more;) {
        if (eki_message_knows(type, f.number)) continue;
        if (fields != NULL) fields[count] = (unknown){f, count};
        count++;
    }
    return count;
}

static int by_number(const void *a, const void *b) {
    const unknown *x = a, *y = b;
    if (x->field.number != y->field.number) return x->field.number < y->field.number ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static bool same_unknown(const eki_field *a, const eki_field *b) {
    if (a->type != b->type) return false;
    if (a->type != EKI_WIRE_BYTES) return a->value == b->value;
    return same_bytes((eki_bytes){a->data, a->size}, (eki_bytes){b->data, b->size});
}

/* What later versions of ONNX call a field that the schema of this build does not have. */
static const char *later_name(const eki_message *type, size_t number) {
    static const struct {
        const char *message, *name;
        uint32_t number;
    } rows[] = {
        {"ModelProto", "configuration", 26},     {"NodeProto", "overload", 8},
        {"NodeProto", "metadata_props", 9},      {"NodeProto", "device_configurations", 10},
        {"GraphProto", "metadata_props", 16},    {"TensorProto", "metadata_props", 16},
        {"ValueInfoProto", "metadata_props", 4}, {"FunctionProto", "attribute_proto", 11},
        {"FunctionProto", "value_info", 12},     {"FunctionProto", "overload", 13},
        {"FunctionProto", "metadata_props", 14},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].number == number && strcmp(rows[i].message, eki_message_name(type)) == 0) return rows[i].name;
    }
    return "";
}

static ek_status tell_unknown(eki_comparison *c, const eki_message *type, const eki_field *a, const eki_field *b,
                              const eki_spot *at) {
    eki_spot spot = {.up = at, .role = EKI_SPOT_FIELD, .field = "field", .numbered = true};
    spot.index = a != NULL ? a->number : b->number;
    const char *name = later_name(type, spot.index);
    spot.label = (eki_bytes){.data = name, .size = strlen(name)};
    if (a == NULL) return eki_tell(c, &spot, NULL, 0, "added, %zu bytes that the schema does not know", b->size);
    if (b == NULL) return eki_tell(c, &spot, NULL, 0, "removed, %zu bytes that the schema does not know", a->size);
    if (a->type != EKI_WIRE_BYTES && b->type == a->type) {
        return eki_tell(c, &spot, NULL, 0, "%llu -> %llu", (unsigned long long)a->value, (unsigned long long)b->value);
    }
    char left[EKI_WORDS], right[EKI_WORDS];
    eki_bytes x = {a->data, a->size}, y = {b->data, b->size};
    size_t from = eki_parting(x, y);
    return eki_tell(c, &spot, NULL, 0, "%s -> %s", eki_quote(x, from, left), eki_quote(y, from, right));
}

/* Both sorted: side by side. */
static ek_status merge_unknown(eki_comparison *c, const eki_message *type, const unknown *a, size_t n_a,
                               const unknown *b, size_t n_b, const eki_spot *at) {
    for (size_t i = 0, k = 0; i < n_a || k < n_b;) {
        bool left = i < n_a && (k == n_b || a[i].field.number <= b[k].field.number);
        bool right = k < n_b && (i == n_a || b[k].field.number <= a[i].field.number);
        const eki_field *x = left ? &a[i++].field : NULL, *y = right ? &b[k++].field : NULL;
        if (x == NULL || y == NULL || !same_unknown(x, y)) EKI_TRY(tell_unknown(c, type, x, y, at));
    }
    return EK_OK;
}

ek_status eki_compare_unknown(eki_comparison *c, const eki_message *type, eki_bytes a, eki_bytes b,
                              const eki_spot *at) {
    size_t n_a = count_unknown(type, a, NULL), n_b = count_unknown(type, b, NULL);
    if (n_a == 0 && n_b == 0) return EK_OK;
    eki_size size = eki_size_sum(eki_size_of(n_a, sizeof(unknown)), eki_size_of(n_b, sizeof(unknown)));
    EKI_TRY(eki_charge(c, size.bytes));
    unknown *fields = eki_alloc(size);
    ek_status status = fields == NULL ? eki_fail_nomem(c->err, size.bytes) : EK_OK;
    if (status == EK_OK) {
        (void)count_unknown(type, a, fields);
        (void)count_unknown(type, b, fields + n_a);
        qsort(fields, n_a, sizeof *fields, by_number);
        qsort(fields + n_a, n_b, sizeof *fields, by_number);
        status = merge_unknown(c, type, fields, n_a, fields + n_a, n_b, at);
    }
    free(fields);
    eki_uncharge(c, size.bytes);
    return status;
}
