/* head.h: the parts of ek_replace_head and ek_set_input. */
#ifndef EKI_HEAD_H
#define EKI_HEAD_H

#include "surgery/surgery.h"

/* The classifier at the end of a graph: the last product, its bias, and a reshape that spells out the classes. */
typedef struct eki_head {
    eki_node *op;      /* Gemm, MatMul or Conv */
    int weight;        /* which input holds the weight */
    eki_node *add;     /* the Add of a bias behind it, or NULL */
    int bias;          /* which input of `add` */
    eki_node *reshape; /* a Reshape with a constant shape behind it, or NULL */
    int64_t features, classes;
} eki_head;

/* ---- head_find.c ---- */
/* Walks back from the logits. EK_ERR_UNSUPPORTED says where it ended and what to do. */
ek_status eki_head_find(const eki_graph *graph, const eki_value *logits, eki_head *head, ek_error *err);

/* ---- head.c ---- */
/* f32 data for input `input` of a node: under the old name where nobody else reads it, else as a new initializer. A
 * deviation above 0 draws normal numbers keyed by seed and name, else zeros. */
ek_status eki_head_parameter(eki_graph *graph, eki_node *node, int input, const char *role, const eki_shape *shape,
                             double deviation, uint64_t seed, ek_error *err);

/* ---- head_cut.c ---- */
/* Ends the graph at `at`: pooling where it has rank 4, then a linear layer. *logits is the new output. */
ek_status eki_head_cut(eki_graph *graph, eki_value *at, const ek_head_options *options, int64_t *features,
                       ek_error *err);

/* ---- head_input.c ---- */
/* Other extents of the only fed input; shapes of everything behind it are inferred anew. */
ek_status eki_input_set(eki_graph *graph, const int64_t dims[4], ek_error *err);

#endif
