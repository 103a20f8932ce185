/* infer.h: shapes, types and known values of a whole graph, kept beside it (a graph has many, one per input shape). */
#ifndef EKI_INFER_H
#define EKI_INFER_H

#include "graph/op.h"

typedef struct eki_known {
    ek_dtype dtype;
    eki_shape shape;
    const eki_tensor *constant; /* NULL = known only when running */
} eki_known;

/* known[value id], n_values entries, malloc'ed into *known (caller frees). `only` (may be NULL) marks the nodes to
 * look at by node id. */
ek_status eki_infer_values(eki_graph *graph, const eki_shape *input_shapes, const bool *only, eki_known **known,
                           ek_error *err);

/* As eki_infer_values, and the graph is as it was: constants that were folded lie in *constants (caller frees, after an
 * error too), symbols that were made are forgotten. */
ek_status eki_infer_aside(eki_graph *graph, const eki_shape *input_shapes, const bool *only, eki_known **known,
                          eki_arena *constants, ek_error *err);

/* One error that lists every operator among the nodes that the engine does not have. */
ek_status eki_check_operators(const eki_graph *graph, const bool *only, ek_error *err);

#endif
