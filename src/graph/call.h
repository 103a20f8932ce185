/* call.h: the only way to an operator's functions. Whatever one fails with, out of memory too, then names the node and
 * the file, so that no operator can give an error without a name. */
#ifndef EKI_CALL_H
#define EKI_CALL_H

#include "graph/op.h"

ek_status eki_call_infer(const eki_op *op, eki_infer *infer);
ek_status eki_call_prepare(eki_step *step, ek_error *err);
ek_status eki_call_forward(eki_step *step, ek_error *err);
ek_status eki_call_again(eki_step *step, ek_error *err);
ek_status eki_call_backward(eki_step *step, ek_error *err);
ek_status eki_call_commit(eki_step *step, ek_error *err);
void eki_call_release(eki_step *step);

/* Puts the label of the node (NULL = a reorder) and the file in front of a failure that lacks them. */
ek_status eki_name_node(const eki_graph *graph, const eki_node *node, ek_status status, ek_error *err);
/* The file alone. */
ek_status eki_name_file(const eki_graph *graph, ek_status status, ek_error *err);

#endif
