/* op_resize.h: how Resize and Upsample read an axis: for each index of the result a few indices of the input, weighted.
 *
 * A stage resizes one axis of a tensor seen as [outer, axis, inner]; the operator is one stage after the other.
 */
#ifndef EKI_OP_RESIZE_H
#define EKI_OP_RESIZE_H

#include "graph/op/op_common.h"

enum { EKI_RESIZE_TAPS = 4 };

/* What the node and its inputs say about each axis. */
typedef struct eki_resize {
    int rank;
    int64_t out[EKI_MAX_RANK];  /* -1 = not known */
    double scale[EKI_MAX_RANK]; /* as given, or out / in */
    bool by_size[EKI_MAX_RANK];
} eki_resize;

/* Reads scales or sizes; *known is false when their values are not. `constants` are those of the node's inputs. */
ek_status eki_resize_read(const eki_node *node, int64_t opset, const eki_shape *x, const eki_tensor *const *constants,
                          eki_resize *resize, bool *known, ek_error *err);

/* The taps of index `i` of axis `axis` (with `in` elements): indices and weights that add up to one. Returns how many.
 */
int eki_resize_taps(const eki_node *node, int64_t opset, const eki_resize *resize, int axis, int64_t in, int64_t i,
                    int64_t index[EKI_RESIZE_TAPS], float weight[EKI_RESIZE_TAPS]);
/* Checks modes and coordinates. */
ek_status eki_resize_check(const eki_node *node, int64_t opset, ek_error *err);

#endif
