/* reorder.c: the step that the planner puts where a tensor comes in another layout or type than the next operator
 * wants.
 */
#include "dnnl/adapter.h"
#include "graph/op/op_bound.h"
#include "graph/plan.h"

static ek_status change(const eki_step *step, const void *src, const eki_view *from, void *dst, const eki_view *to,
                        ek_error *err) {
    const eki_shape *shape = &step->in[0].shape;
    const eki_dnnl_form a = {from->dtype, from->layout}, b = {to->dtype, to->layout};
    return eki_reorder(src, a, dst, b, shape->rank, shape->dims, step->plan->threads, err);
}

ek_status eki_op_reorder_forward(eki_step *step, ek_error *err) {
    (void)eki_bound_same(step);
    return change(step, step->in[0].data, &step->in[0], step->out[0].data, &step->out[0], err);
}

ek_status eki_op_reorder_backward(eki_step *step, ek_error *err) {
    return change(step, step->dout[0], &step->out[0], step->din[0], &step->in[0], err);
}
