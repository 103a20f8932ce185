/* literals.h: parameters that are constants through nodes, put where surgery can read them; within src/surgery. */
#ifndef EKI_LITERALS_H
#define EKI_LITERALS_H

#include "onnx/graph.h"

typedef struct eki_literal {
    eki_node *node;
    int input;
    eki_value *own, *literal; /* what the input was, and is meanwhile */
} eki_literal;

typedef struct eki_literals {
    eki_literal *items;
    size_t count, room;
} eki_literals;

/* Gives each parameter of a norm, product or per-channel operator that is a constant through nodes as a Constant of its
 * own; those of more than EKI_CONSTANT_ELEMENTS only where no number changes. Free `literals` whatever the result.
 * EK_ERR_NOMEM. */
ek_status eki_literals_put(eki_graph *graph, eki_literals *literals, ek_error *err);
/* Gives every node that still reads one its own input back, drops the Constants (the caller sweeps) and frees. */
void eki_literals_take(eki_literals *literals);
void eki_literals_free(eki_literals *literals);

#endif
