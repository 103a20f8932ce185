/* plan_tail.h: what those who look for tails know of a graph. */
#ifndef EKI_PLAN_TAIL_H
#define EKI_PLAN_TAIL_H

#include "graph/plan.h"

typedef struct eki_tail_finder {
    const eki_plan_request *request;
    const eki_known *known;
    eki_tails *tails;
    int *uses;             /* of each value, by needed nodes and as outputs */
    const eki_node **user; /* the last of them */
    int *position;         /* of each node in the order of execution */
} eki_tail_finder;

/* The only reader of a value, or NULL. */
static inline const eki_node *eki_only_user(const eki_tail_finder *f, const eki_value *value) {
    return f->uses[value->id] == 1 ? f->user[value->id] : NULL;
}

/* plan_activation.c: gives a tail the function behind `value`; ReLU alone unless `any`. */
void eki_activation_find(const eki_tail_finder *f, const eki_value *value, bool any, eki_tail_plan *tail);

#endif
