/* pairing.h: which message of one list is which of the other. */
#ifndef EKI_DIFF_PAIRING_H
#define EKI_DIFF_PAIRING_H

#include "diff/comparison.h"

/* How the messages of a list are told apart: the fields of their message that name them. A number of 0 = none. */
typedef struct eki_key {
    uint32_t name;  /* a text: the key */
    uint32_t inner; /* `name` is in the message of that field, first */
    uint32_t scope; /* a text that the key belongs to: the domain of a function */
    uint32_t also;  /* a text that stands for the key where that has no partner: the first output of a node */
    uint32_t sort;  /* a text that is equal in true partners: the operator of a node */
} eki_key;

typedef struct eki_paired {
    eki_bytes message;
    eki_bytes name, scope, also, sort;
    uint32_t partner; /* index in the other list + 1; 0 = none */
    uint32_t next;    /* of the same hash; index + 1 */
} eki_paired;

typedef struct eki_list {
    eki_paired *items;
    size_t count;
} eki_list;

/* The messages of that member in both documents, with partners. Free with eki_lists_free. */
ek_status eki_pair(eki_comparison *c, const eki_member *member, const eki_key *key, eki_bytes a, eki_bytes b,
                   eki_list lists[2]);
void eki_lists_free(eki_comparison *c, eki_list lists[2]);

#endif
