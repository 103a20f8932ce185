/* fields.h: the schema of onnx.proto as the generated code has it: what messages there are and which fields each has.
 *
 *     const eki_message *type = eki_message_model();
 *     for (size_t i = 0; i < eki_message_count(type); i++) { eki_member member = eki_message_member(type, i); ... }
 */
#ifndef EKI_ONNX_FIELDS_H
#define EKI_ONNX_FIELDS_H

#include "onnx/graph.h"
#include "onnx/wire.h"

typedef struct ProtobufCMessageDescriptor eki_message;

typedef enum eki_holds {
    EKI_HOLDS_INT,  /* signed, of 32 or 64 bits */
    EKI_HOLDS_ENUM, /* the same, some numbers with names */
    EKI_HOLDS_UINT,
    EKI_HOLDS_FLOAT,
    EKI_HOLDS_DOUBLE,
    EKI_HOLDS_TEXT,
    EKI_HOLDS_BYTES,
    EKI_HOLDS_MESSAGE
} eki_holds;

typedef struct eki_member {
    const char *name; /* "op_type" */
    uint32_t number;
    eki_holds holds;
    bool narrow;   /* 32 bits: of the number on the wire the lower ones count */
    bool repeated; /* of numbers: packed or not, as the file likes */
    bool choice;   /* one of several (oneof): that it is there says something, whatever its value */
    const eki_message *message;
    const void *words;
} eki_member;

const eki_message *eki_message_model(void);
const char *eki_message_name(const eki_message *type); /* "NodeProto" */
size_t eki_message_count(const eki_message *type);     /* of its members */
eki_member eki_message_member(const eki_message *type, size_t index);
bool eki_message_knows(const eki_message *type, uint32_t number);
/* The name of an ENUM's number, "FLOAT"; NULL = it has none. */
const char *eki_member_word(const eki_member *member, int64_t value);

/* The items of a member in a message, one after the other: numbers in packed arrays and outside, texts, messages. The
 * bytes must have passed the scan. */
typedef struct eki_items {
    eki_wire wire, inside;
    const eki_member *member;
    const eki_map *map; /* of a large file: pages of packed arrays are given back behind the cursor; NULL = they stay */
    size_t kept;        /* where those begin that were not */
} eki_items;

typedef struct eki_item {
    uint64_t value;  /* numbers: its bits, sign-extended where it is narrow */
    eki_bytes bytes; /* the others */
} eki_item;

eki_items eki_items_of(eki_bytes message, const eki_member *member);
bool eki_items_next(eki_items *items, eki_item *item);

/* The last item, as a singular member has one at most; false where there is none. */
bool eki_item_of(eki_bytes message, const eki_member *member, eki_item *item);

/* The text of a field by its number; empty where there is none. */
eki_bytes eki_text_of(eki_bytes message, uint32_t number);

#endif
