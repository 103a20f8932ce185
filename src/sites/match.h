/* match.h: small questions that recognising a subgraph asks. */
#ifndef EKI_SITES_MATCH_H
#define EKI_SITES_MATCH_H

#include "onnx/graph.h"

/* How often each value of a graph is read, by value id, and by which node last. */
typedef struct eki_uses {
    int *count;
    eki_node **user;
} eki_uses;

ek_status eki_uses_create(const eki_graph *graph, eki_uses *uses, ek_error *err);
void eki_uses_free(eki_uses *uses);

/* A node of this operator with one output. */
bool eki_is_op(const eki_node *node, eki_opcode op);
/* The only reader of the node's output, if it is of this type and the output is not one of the graph's. */
eki_node *eki_next(const eki_uses *uses, const eki_node *node, eki_opcode op);
/* A constant: an initializer that is no input, or the result of a Constant node. */
const eki_tensor *eki_constant(const eki_value *value);
/* The other input of a two-input node. */
eki_value *eki_other(const eki_node *node, const eki_value *value);
/* Whether a f32 constant of rank 1 has `count` elements, all equal to `value`. */
bool eki_all_equal(const eki_tensor *tensor, int64_t count, float value);

#endif
