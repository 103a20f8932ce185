/* words.c: short texts of values. They are bounded, so that two long ones are shown where they part. */
#include "diff/words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { QUOTED = 100 };

static void append(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(char *text, const char *format, ...) {
    size_t used = strlen(text);
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text + used, EKI_WORDS - used, format, list);
    va_end(list);
}

static bool is(const eki_message *type, const char *name) { return strcmp(eki_message_name(type), name) == 0; }

eki_member eki_member_named(const eki_message *type, const char *name) {
    size_t i = 0;
    while (i + 1 < eki_message_count(type) && strcmp(eki_message_member(type, i).name, name) != 0) i++;
    return eki_message_member(type, i);
}

size_t eki_parting(eki_bytes a, eki_bytes b) {
    const char *p = a.data, *q = b.data;
    size_t i = 0;
    while (i < a.size && i < b.size && p[i] == q[i]) i++;
    return i;
}

const char *eki_quote(eki_bytes text, size_t from, char out[EKI_WORDS]) {
    const char *bytes = text.data;
    size_t begin = from > QUOTED / 2 ? from - QUOTED / 2 : 0, used = 0;
    if (text.size <= QUOTED) begin = 0;
    if (begin > text.size) begin = text.size;
    size_t end = text.size - begin > QUOTED ? begin + QUOTED : text.size;
    /* Not in the middle of a character. */
    while (begin > 0 && begin < text.size && ((unsigned char)bytes[begin] & 0xc0) == 0x80) begin--;
    while (end < text.size && end > begin && ((unsigned char)bytes[end] & 0xc0) == 0x80) end--;
    out[0] = '\0';
    append(out, "%s'", begin > 0 ? "..." : "");
    used = strlen(out);
    for (size_t i = begin; i < end; i++) out[used++] = bytes[i] == '\0' ? '?' : bytes[i];
    out[used] = '\0';
    append(out, "'%s", end < text.size ? "..." : "");
    return out;
}

const char *eki_dtype_words(int64_t dtype, char out[EKI_WORDS]) {
    const char *name = dtype > 0 && dtype < 64 ? eki_dtype_name((ek_dtype)dtype) : NULL;
    if (name != NULL && strcmp(name, "unknown type") != 0) {
        (void)snprintf(out, EKI_WORDS, "%s", name);
    } else {
        (void)snprintf(out, EKI_WORDS, "type %" PRId64, dtype);
    }
    return out;
}

static bool holds_dtype(const eki_member *member) {
    return member->holds == EKI_HOLDS_INT && member->name != NULL &&
           (strcmp(member->name, "data_type") == 0 || strcmp(member->name, "elem_type") == 0 ||
            strcmp(member->name, "key_type") == 0);
}

static float float_of(uint64_t value) {
    uint32_t bits = (uint32_t)value;
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static double double_of(uint64_t bits) {
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

const char *eki_item_words(const eki_member *member, const eki_item *item, char out[EKI_WORDS]) {
    if (item == NULL) return strcpy(out, "none");
    int64_t number = (int64_t)item->value;
    const char *word = eki_member_word(member, number);
    switch (member->holds) {
    case EKI_HOLDS_UINT: (void)snprintf(out, EKI_WORDS, "%" PRIu64, item->value); break;
    case EKI_HOLDS_FLOAT: (void)snprintf(out, EKI_WORDS, "%.9g", (double)float_of(item->value)); break;
    case EKI_HOLDS_DOUBLE: (void)snprintf(out, EKI_WORDS, "%.17g", double_of(item->value)); break;
    case EKI_HOLDS_TEXT:
    case EKI_HOLDS_BYTES: return eki_quote(item->bytes, 0, out);
    case EKI_HOLDS_MESSAGE: return strcpy(out, "present");
    default:
        if (holds_dtype(member)) return eki_dtype_words(number, out);
        if (word != NULL) return strcpy(out, word);
        (void)snprintf(out, EKI_WORDS, "%" PRId64, number);
    }
    return out;
}

const char *eki_list_words(const eki_member *member, eki_bytes message, size_t from, char out[EKI_WORDS]) {
    eki_items items = eki_items_of(message, member);
    size_t begin = from > 8 ? from - 4 : 0, index = 0;
    char one[EKI_WORDS];
    out[0] = '\0';
    for (eki_item item; eki_items_next(&items, &item); index++) {
        if (index < begin) continue;
        if (index == begin && begin > 0) append(out, "[%zu] ", begin);
        if (strlen(out) > 120) {
            append(out, ",...");
            break;
        }
        append(out, "%s%.110s", index > begin ? "," : "", eki_item_words(member, &item, one));
    }
    return out[0] != '\0' ? out : strcpy(out, "none");
}

/* ---- messages ---- */

static bool first_of(const eki_message *type, eki_bytes message, const char *name, eki_member *member, eki_item *item) {
    *member = eki_member_named(type, name);
    return eki_item_of(message, member, item);
}

static void append_dims(const eki_message *type, eki_bytes shape, char out[EKI_WORDS]) {
    const eki_member dim = eki_member_named(type, "dim");
    eki_items items = eki_items_of(shape, &dim);
    eki_member member;
    eki_item value;
    const char *before = "";
    append(out, "[");
    for (eki_item item; eki_items_next(&items, &item); before = ",") {
        if (first_of(dim.message, item.bytes, "dim_value", &member, &value)) {
            append(out, "%s%" PRId64, before, (int64_t)value.value);
        } else if (first_of(dim.message, item.bytes, "dim_param", &member, &value)) {
            append(out, "%s%.*s", before, value.bytes.size < 60 ? (int)value.bytes.size : 60,
                   (const char *)value.bytes.data);
        } else {
            append(out, "%s?", before);
        }
        eki_bytes denotation = eki_text_of(item.bytes, eki_member_named(dim.message, "denotation").number);
        if (denotation.size > 0)
            append(out, "{%.*s}", (int)(denotation.size < 60 ? denotation.size : 60), (const char *)denotation.data);
    }
    append(out, "]");
}

static void append_type(const eki_message *type, eki_bytes message, int depth, char out[EKI_WORDS]);

/* One of the kinds of a type: tensor, sequence, map, ... each a message of element types and a shape. */
static void append_kind(const eki_member *kind, eki_bytes message, int depth, char out[EKI_WORDS]) {
    bool tensor = strcmp(kind->name, "tensor_type") == 0;
    const char *before = "";
    char one[EKI_WORDS];
    if (!tensor) append(out, "%.*s(", (int)(strlen(kind->name) - strlen("_type")), kind->name);
    for (size_t i = 0; i < eki_message_count(kind->message); i++) {
        eki_member member = eki_message_member(kind->message, i);
        eki_item item;
        if (!eki_item_of(message, &member, &item)) continue;
        if (member.holds == EKI_HOLDS_INT) append(out, "%s%s", before, eki_item_words(&member, &item, one));
        if (member.holds == EKI_HOLDS_MESSAGE && is(member.message, "TensorShapeProto")) {
            append_dims(member.message, item.bytes, out);
        } else if (member.holds == EKI_HOLDS_MESSAGE) {
            append(out, "%s", before);
            append_type(member.message, item.bytes, depth + 1, out);
        }
        before = ",";
    }
    if (!tensor) append(out, ")");
}

static void append_type(const eki_message *type, eki_bytes message, int depth, char out[EKI_WORDS]) {
    bool any = false;
    for (size_t i = 0; i < eki_message_count(type) && depth < 8; i++) {
        eki_member member = eki_message_member(type, i);
        eki_item item;
        if (member.holds != EKI_HOLDS_MESSAGE || !eki_item_of(message, &member, &item)) continue;
        append_kind(&member, item.bytes, depth, out);
        any = true;
    }
    if (!any) append(out, "no type");
}

const char *eki_type_words(const eki_message *type, eki_bytes message, char out[EKI_WORDS]) {
    out[0] = '\0';
    append_type(type, message, 0, out);
    return out;
}

static void tensor_words(const eki_message *type, eki_bytes message, char out[EKI_WORDS]) {
    eki_member member;
    eki_item item;
    char one[EKI_WORDS];
    if (!first_of(type, message, "data_type", &member, &item)) item = (eki_item){0};
    append(out, "%s[", eki_dtype_words((int64_t)item.value, one));
    member = eki_member_named(type, "dims");
    if (eki_item_of(message, &member, &item)) append(out, "%.150s", eki_list_words(&member, message, 0, one));
    append(out, "]");
}

/* What the attribute holds: the first of its fields that is neither name nor documentation. */
static void attribute_words(const eki_message *type, eki_bytes message, char out[EKI_WORDS]) {
    for (size_t i = 0; i < eki_message_count(type); i++) {
        eki_member member = eki_message_member(type, i);
        eki_item item;
        bool about = member.holds == EKI_HOLDS_TEXT || member.holds == EKI_HOLDS_ENUM;
        if (about || !eki_item_of(message, &member, &item)) continue;
        if (member.holds != EKI_HOLDS_MESSAGE) {
            (void)eki_list_words(&member, message, 0, out);
        } else if (is(member.message, "TensorProto") && !member.repeated) {
            append(out, "a tensor ");
            tensor_words(member.message, item.bytes, out);
        } else {
            append(out, "a %s", is(member.message, "GraphProto") ? "graph" : eki_message_name(member.message));
        }
        return;
    }
    eki_member kind = eki_member_named(type, "type");
    eki_item item;
    char one[EKI_WORDS];
    if (eki_item_of(message, &kind, &item)) append(out, "an empty %s", eki_item_words(&kind, &item, one));
}

const char *eki_message_words(const eki_message *type, eki_bytes message, char out[EKI_WORDS]) {
    eki_member member;
    eki_item item;
    out[0] = '\0';
    if (is(type, "TypeProto")) return eki_type_words(type, message, out);
    if (is(type, "TensorProto")) tensor_words(type, message, out);
    if (is(type, "AttributeProto")) attribute_words(type, message, out);
    if (is(type, "NodeProto") && first_of(type, message, "op_type", &member, &item)) {
        append(out, "%.*s", item.bytes.size < 60 ? (int)item.bytes.size : 60, (const char *)item.bytes.data);
    }
    if (is(type, "ValueInfoProto") && first_of(type, message, "type", &member, &item)) {
        return eki_type_words(member.message, item.bytes, out);
    }
    if (is(type, "SparseTensorProto") && first_of(type, message, "values", &member, &item)) {
        tensor_words(member.message, item.bytes, out);
    }
    if (is(type, "StringStringEntryProto") && first_of(type, message, "value", &member, &item)) {
        return eki_quote(item.bytes, 0, out);
    }
    return out;
}
