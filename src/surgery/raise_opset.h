/* raise_opset.h: moving a graph up through the opsets. */
#ifndef EKI_RAISE_OPSET_H
#define EKI_RAISE_OPSET_H

#include "surgery/surgery.h"

/* Moves the graph to a higher opset, changing nodes whose form changed on the way; shapes must be known (infer).
 * EK_ERR_UNSUPPORTED names a node that cannot move. */
ek_status eki_opset_raise(eki_graph *graph, int64_t version, ek_error *err);

/* ---- raise_steps.c: one node over one change of its operator. EK_ERR_UNSUPPORTED: `why` is in the error ---- */
typedef struct eki_raise {
    eki_graph *graph;
    int64_t from, to; /* of the whole move */
    ek_error *err;
} eki_raise;
typedef ek_status (*eki_raise_step)(const eki_raise *raise, eki_node *node);

ek_status eki_raise_clip(const eki_raise *raise, eki_node *node);
ek_status eki_raise_pad(const eki_raise *raise, eki_node *node);
ek_status eki_raise_slice(const eki_raise *raise, eki_node *node);
ek_status eki_raise_axes(const eki_raise *raise, eki_node *node); /* Squeeze, Unsqueeze, Reduce* */
ek_status eki_raise_split(const eki_raise *raise, eki_node *node);
ek_status eki_raise_split_count(const eki_raise *raise, eki_node *node);
ek_status eki_raise_dropout(const eki_raise *raise, eki_node *node);
ek_status eki_raise_softmax(const eki_raise *raise, eki_node *node);
ek_status eki_raise_upsample(const eki_raise *raise, eki_node *node);
ek_status eki_raise_deconv(const eki_raise *raise, eki_node *node);
ek_status eki_raise_broadcast(const eki_raise *raise, eki_node *node); /* arithmetic before opset 7 */

/* ---- raise_norm.c ---- */
ek_status eki_raise_batch_norm(const eki_raise *raise, eki_node *node);
ek_status eki_raise_group_norm(const eki_raise *raise, eki_node *node);
/* A batch norm takes its running statistics, whatever it said. */
ek_status eki_batch_norm_infers(eki_graph *graph, eki_node *node, ek_error *err);

ek_status eki_raise_refuse(const eki_raise *raise, const eki_node *node, const char *why);

#endif
