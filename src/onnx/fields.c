/* fields.c: the generated descriptors, seen without protobuf-c's types; and the items of a field. */
#include "onnx/fields.h"

#include <onnx/onnx.pb-c.h>

enum { GIVE_BACK = 1 << 20 };

const eki_message *eki_message_model(void) { return &onnx__model_proto__descriptor; }
const char *eki_message_name(const eki_message *type) { return type->short_name; }
size_t eki_message_count(const eki_message *type) { return type->n_fields; }

bool eki_message_knows(const eki_message *type, uint32_t number) {
    return protobuf_c_message_descriptor_get_field(type, number) != NULL;
}

static eki_holds holds_of(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_ENUM: return EKI_HOLDS_ENUM;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64: return EKI_HOLDS_UINT;
    case PROTOBUF_C_TYPE_FLOAT: return EKI_HOLDS_FLOAT;
    case PROTOBUF_C_TYPE_DOUBLE: return EKI_HOLDS_DOUBLE;
    case PROTOBUF_C_TYPE_STRING: return EKI_HOLDS_TEXT;
    case PROTOBUF_C_TYPE_BYTES: return EKI_HOLDS_BYTES;
    case PROTOBUF_C_TYPE_MESSAGE: return EKI_HOLDS_MESSAGE;
    default: return EKI_HOLDS_INT;
    }
}

eki_member eki_message_member(const eki_message *type, size_t index) {
    const ProtobufCFieldDescriptor *f = &type->fields[index];
    eki_member member = {.name = f->name, .number = f->id, .holds = holds_of(f->type)};
    member.narrow = f->type == PROTOBUF_C_TYPE_INT32 || f->type == PROTOBUF_C_TYPE_ENUM;
    member.repeated = f->label == PROTOBUF_C_LABEL_REPEATED;
    member.choice = (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if (member.holds == EKI_HOLDS_MESSAGE) member.message = f->descriptor;
    if (member.holds == EKI_HOLDS_ENUM) member.words = f->descriptor;
    return member;
}

const char *eki_member_word(const eki_member *member, int64_t value) {
    if (member->holds != EKI_HOLDS_ENUM || value < INT32_MIN || value > INT32_MAX) return NULL;
    const ProtobufCEnumValue *word = protobuf_c_enum_descriptor_get_value(member->words, (int)value);
    return word != NULL ? word->name : NULL;
}

eki_items eki_items_of(eki_bytes message, const eki_member *member) {
    return (eki_items){.wire = eki_wire_of(message.data, 0, message.size), .member = member};
}

static uint64_t number_of(const eki_member *member, uint64_t value) {
    return member->narrow ? (uint64_t)(int64_t)(int32_t)(uint32_t)value : value;
}

static void give_back(eki_items *items) {
    const eki_wire *inside = &items->inside;
    if (items->kept > inside->at || inside->at - items->kept < GIVE_BACK) return;
    (void)eki_map_forget(items->map, inside->base + items->kept, inside->at - items->kept);
    items->kept = inside->at;
}

/* The next number of the packed array that the cursor is in. */
static bool next_inside(eki_items *items, eki_item *item) {
    eki_wire *inside = &items->inside;
    size_t unit = items->member->holds == EKI_HOLDS_FLOAT ? 4 : items->member->holds == EKI_HOLDS_DOUBLE ? 8 : 0;
    if (inside->at >= inside->end) return false;
    if (items->map != NULL) give_back(items);
    *item = (eki_item){0};
    if (unit == 0) {
        if (!eki_wire_varint(inside->base, &inside->at, inside->end, &item->value)) return false;
        item->value = number_of(items->member, item->value);
        return true;
    }
    for (size_t i = 0; i < unit; i++) item->value |= (uint64_t)inside->base[inside->at + i] << (8 * i);
    inside->at += unit;
    return true;
}

bool eki_items_next(eki_items *items, eki_item *item) {
    bool number = items->member->holds < EKI_HOLDS_TEXT, more;
    eki_field field;
    if (next_inside(items, item)) return true;
    while (eki_wire_next(&items->wire, &field, &more, NULL) == EK_OK && more) {
        if (field.number != items->member->number) continue;
        *item = (eki_item){.value = number_of(items->member, field.value), .bytes = {field.data, field.size}};
        if (!number || field.type != EKI_WIRE_BYTES) return true;
        items->inside = eki_wire_inside(&items->wire, &field);
        items->kept = items->inside.at;
        if (next_inside(items, item)) return true;
    }
    return false;
}

bool eki_item_of(eki_bytes message, const eki_member *member, eki_item *item) {
    eki_items items = eki_items_of(message, member);
    bool found = false;
    for (eki_item next; eki_items_next(&items, &next); found = true) *item = next;
    return found;
}

eki_bytes eki_text_of(eki_bytes message, uint32_t number) {
    const eki_member member = {.number = number, .holds = EKI_HOLDS_BYTES};
    eki_item item;
    return eki_item_of(message, &member, &item) ? item.bytes : (eki_bytes){.data = "", .size = 0};
}
