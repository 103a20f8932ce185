/* constant_eval.h: the steps of evaluating constants; within src/sites. */
#ifndef EKI_CONSTANT_EVAL_H
#define EKI_CONSTANT_EVAL_H

#include "sites/constants.h"

enum {
    EKI_CONSTANT_HOPS = 32,   /* nodes in a row */
    EKI_CONSTANT_STEPS = 4096 /* nodes in all: a value that is added to itself again and again doubles the way */
};

/* ---- constant_data.c: what a tensor or a Constant node holds ---- */
bool eki_tensor_readable(const eki_tensor *tensor);
ek_status eki_numbers_of_tensor(const eki_tensor *tensor, eki_numbers *out, ek_error *err);
/* A Constant node: false = a form that is not read (sparse, strings, a reference inside a function). */
bool eki_constant_node_shape(const eki_node *node, eki_shape *shape, ek_dtype *dtype);
ek_status eki_numbers_of_node(const eki_node *node, eki_numbers *out, ek_error *err);
/* Memory for the numbers of a shape. */
ek_status eki_numbers_create(ek_dtype dtype, const eki_shape *shape, eki_numbers *out, ek_error *err);
/* Rounds to what the type holds. */
void eki_numbers_round(eki_numbers *numbers);

/* ---- constant_ops.c: what a node does to numbers ---- */
bool eki_broadcast_shape(const eki_shape *a, const eki_shape *b, eki_shape *out);
double eki_constant_arithmetic(eki_opcode op, double a, double b);
ek_status eki_numbers_binary(eki_opcode op, const eki_numbers *a, const eki_numbers *b, eki_numbers *out,
                             ek_error *err);
/* The numbers broadcast or tiled to a shape that they fit. */
ek_status eki_numbers_expand(const eki_numbers *a, const eki_shape *shape, eki_numbers *out, ek_error *err);
ek_status eki_numbers_transpose(const eki_numbers *a, const int *perm, eki_numbers *out, ek_error *err);

#endif
