/* constants.h: constants through nodes: values that no run and no caller can change, and their numbers, without the
 * engine.
 *
 * A value is a constant when it is an initializer, the result of a Constant node in any form, or computed from such by
 * Identity, Cast, nodes that move numbers (Reshape, Squeeze, Unsqueeze, Flatten, Transpose, Expand, Tile),
 * ConstantOfShape or arithmetic (Add, Sub, Mul, Div, Pow, Sqrt, Reciprocal, Neg). An initializer that is a graph input
 * too is none, as a caller may replace it; but where a file lists all its initializers as inputs, as those before IR
 * version 4 had to, none is meant to be.
 */
#ifndef EKI_CONSTANT_H
#define EKI_CONSTANT_H

#include "onnx/graph.h"

/* What the questions below need to know of a document. */
typedef struct eki_constants {
    const eki_graph *document;
    bool lists_weights; /* all initializers are listed as inputs */
    int64_t most;       /* elements that a constant may have to be read */
    bool *ended;        /* set where memory ended while one was read: "no constant" is then no answer; may be NULL */
} eki_constants;

#define EKI_CONSTANT_ELEMENTS ((int64_t)1 << 22)

/* The document that the graph belongs to, with the budget above. */
eki_constants eki_constants_of(const eki_graph *graph);

/* Whether the model's graph lists its initializers as inputs, by rule or by habit of its exporter. */
bool eki_lists_weights(const eki_graph *graph);
/* A tensor for nodes to read; an input, too, where the graph lists its initializers; the result of a Constant node in a
 * function's body. `tensor` may be NULL. */
ek_status eki_add_constant(eki_graph *graph, const char *name, ek_dtype dtype, const eki_shape *shape, eki_value **out,
                           eki_tensor **tensor, ek_error *err);

/* Numbers of a constant, as f64 that hold what the file's type holds (int64 beyond 2^53 is rounded). */
typedef struct eki_numbers {
    ek_dtype dtype, stored; /* as of eki_value */
    eki_shape shape;
    int64_t count;
    double *at; /* malloc'ed, row-major */
} eki_numbers;

void eki_numbers_free(eki_numbers *numbers);

/* Whether it is a constant that can be read; no data is touched. `shape` (may be NULL) gets its extents. */
bool eki_is_constant(const eki_constants *constants, const eki_value *value, eki_shape *shape);

/* The numbers, rounded after each node as a runtime of that type rounds them. EK_ERR_UNSUPPORTED: no constant;
 * EK_ERR_LIMIT: more elements than the budget; EK_ERR_FORMAT: shapes that do not fit each other. */
ek_status eki_constant_numbers(const eki_constants *constants, const eki_value *value, eki_numbers *numbers,
                               ek_error *err);

/* A constant of one element. */
bool eki_constant_scalar(const eki_constants *constants, const eki_value *value, double *number);
/* A constant of at most EKI_CONSTANT_LIST whole numbers (a shape, axes), in order. */
enum { EKI_CONSTANT_LIST = 16 };
bool eki_constant_list(const eki_constants *constants, const eki_value *value, int64_t list[EKI_CONSTANT_LIST],
                       int *count);

/* Where the numbers of a value lie: the initializer, or the result of a Constant node, that it is through Identity,
 * Reshape, Squeeze, Unsqueeze and Flatten, and the outer values of nested graphs. */
typedef struct eki_source {
    const eki_value *value;   /* NULL = computed, or no constant at all */
    const eki_tensor *tensor; /* its tensor; NULL where a Constant node holds numbers as attributes of other kinds */
    bool identity;            /* an Identity node lies between */
    bool reshaped;            /* and nodes that give the same numbers another shape */
} eki_source;

eki_source eki_constant_source(const eki_value *value);

#endif
