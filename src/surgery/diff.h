/* diff.h: the parts of ek_diff_models. */
#ifndef EKI_DIFF_H
#define EKI_DIFF_H

#include "diff/changes.h"
#include "surgery/surgery.h"

/* Two models as the engine sees them, and what is found. */
typedef struct eki_views {
    ek_diff *diff;
    const eki_graph *a, *b;
    ek_error *err;
} eki_views;

ek_status eki_change(eki_views *d, const char *kind, const char *name, double difference, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* ---- diff_nodes.c ---- */
ek_status eki_diff_nodes(eki_views *d);
/* The name of the operator, in the same domain; of nodes that are not removed. */
bool eki_same_operator(const eki_node *a, const eki_node *b);
/* Whether both are there and say the same; attributes that hold graphs, by the bytes of the file. */
bool eki_attr_same(const eki_attr *a, const eki_attr *b);

#endif
