/* spot.h: where in two documents a comparison is, from the model down, and telling what differs there.
 *
 * Spots live on the stack, each pointing to the one above; texts are made only when something is told:
 *
 *     graph > node 'if_1' > attribute 'then_branch' > graph > node 'conv1' > attribute 'pads'
 *     place "if_1/then_branch", kind "attribute", name "conv1", text "pads: 1,1 -> 0,0"
 */
#ifndef EKI_DIFF_SPOT_H
#define EKI_DIFF_SPOT_H

#include "diff/comparison.h"

typedef enum eki_spot_role {
    EKI_SPOT_SUBJECT, /* something with a name that changes are listed under: kind and name begin anew */
    EKI_SPOT_PART,    /* a part of the subject that has a kind of its own: an attribute */
    EKI_SPOT_FIELD,   /* a field of it */
    EKI_SPOT_GRAPH    /* a graph inside: what was the subject is the place from here on */
} eki_spot_role;

typedef struct eki_spot {
    const struct eki_spot *up;
    eki_spot_role role;
    const char *kind;  /* SUBJECT and PART */
    eki_bytes label;   /* name or key; may be empty */
    eki_bytes label_2; /* SUBJECT: what the label belongs to, the domain of a function */
    const char *field; /* SUBJECT without label, FIELD: what it is */
    bool numbered;     /* `index` is told */
    size_t index;
} eki_spot;

/* One change. `kind` NULL = that of the spot. The format gives what stands behind the fields of the spot. */
ek_status eki_tell(eki_comparison *c, const eki_spot *at, const char *kind, double difference, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Of the nearest subject. */
const char *eki_spot_kind(const eki_spot *at);

#endif
