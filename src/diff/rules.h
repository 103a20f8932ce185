/* rules.h: what is known of the fields of a document beyond their types. */
#ifndef EKI_DIFF_RULES_H
#define EKI_DIFF_RULES_H

#include "diff/messages.h"
#include "diff/pairing.h"

typedef enum eki_how {
    EKI_HOW_KEYED, /* a list whose messages are told apart by a key */
    EKI_HOW_GRAPH, /* a graph inside */
    EKI_HOW_KIND,  /* a value that has a kind of its own */
    EKI_HOW_PLAIN, /* the value of what it stands in: told without the field's name */
    EKI_HOW_WORD,  /* the same, without quotes */
    EKI_HOW_NAMES, /* inputs or outputs of a node */
    EKI_HOW_TYPE   /* the type of a value */
} eki_how;

struct eki_rule {
    const char *message, *member; /* message NULL = of any */
    eki_how how;
    const char *kind;            /* KEYED: of the changes told of it; NULL = a field of what it stands in */
    const char *added, *removed; /* kinds where one is missing; NULL = `kind` */
    eki_key key;
};

#endif
