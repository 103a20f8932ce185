/* words.h: values and messages in a few words, for people. */
#ifndef EKI_DIFF_WORDS_H
#define EKI_DIFF_WORDS_H

#include "onnx/fields.h"

enum { EKI_WORDS = 256 };

/* 'text', of a long one the part around `from`. Returns `out`. */
const char *eki_quote(eki_bytes text, size_t from, char out[EKI_WORDS]);
/* Where two texts part. */
size_t eki_parting(eki_bytes a, eki_bytes b);

/* A value of the member: 17, 0.5, FLOAT, float32, 'text'. NULL = "none". */
const char *eki_item_words(const eki_member *member, const eki_item *item, char out[EKI_WORDS]);
/* All of them, "1,1,2"; of a long list what stands around item `from`. */
const char *eki_list_words(const eki_member *member, eki_bytes message, size_t from, char out[EKI_WORDS]);

/* What a message is, in its own way: "float32[N,3]" of a declaration or a tensor, the operator of a node, "0.9" of an
 * attribute; "" of those that have none. */
const char *eki_message_words(const eki_message *type, eki_bytes message, char out[EKI_WORDS]);
/* TypeProto: "seq(float32[N,3])". */
const char *eki_type_words(const eki_message *type, eki_bytes message, char out[EKI_WORDS]);
const char *eki_dtype_words(int64_t dtype, char out[EKI_WORDS]);

/* The member of that name, which the schema has. */
eki_member eki_member_named(const eki_message *type, const char *name);

#endif
