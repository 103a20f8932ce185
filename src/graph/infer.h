/* infer.h: shapes, types and known values of a whole graph, kept beside it (a graph has many, one per input shape). */
#ifndef EKI_INFER_H
#define EKI_INFER_H

#include "graph/op.h"

typedef struct eki_known {
    ek_dtype dtype;
    eki_shape shape;
    const eki_tensor *constant; /* NULL = known only when running */
} eki_known;

/* What is to run: flags by node id and value id. The nodes must be supported, and all they read be marked. */
typedef struct eki_part {
    const bool *nodes, *values;
} eki_part;

/* Of the inputs that are fed, in their order. */
typedef struct eki_given {
    const eki_shape *shapes;   /* NULL = as declared */
    const eki_tensor *numbers; /* NULL = none is known before running; nor is one without data */
} eki_given;

/* known[value id], n_values entries, malloc'ed into *known (caller frees). `part` NULL looks at the whole graph: what
 * cannot be inferred (operators that the engine lacks, and what lies behind them) is as declared, or not known. */
ek_status eki_infer_values(eki_graph *graph, const eki_shape *input_shapes, const eki_part *part, eki_known **known,
                           ek_error *err);

/* As eki_infer_values, and the graph is as it was: constants that were folded lie in *constants (caller frees, after an
 * error too), symbols that were made are forgotten. */
ek_status eki_infer_aside(eki_graph *graph, const eki_given *given, const eki_part *part, eki_known **known,
                          eki_arena *constants, ek_error *err);

/* ---- infer_guess.c ---- */

/* Whether a failure to infer a node says no more than that it cannot be run here, or that too little is known. */
bool eki_may_guess(const eki_infer *infer, ek_status status);
/* Gives outputs of unknown type or shape what the file declares, or what the kind of operator tells. */
ek_status eki_guess_outputs(eki_graph *graph, const eki_node *node, eki_known *known, ek_error *err);

/* One error that lists every operator among the nodes that the engine does not have. */
ek_status eki_check_operators(const eki_graph *graph, const bool *only, ek_error *err);

#endif
