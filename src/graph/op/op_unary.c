/* op_unary.c: infer, prepare, forward and backward of every elementwise function of one tensor; see op_unary.h. */
#include "graph/op/op_unary.h"

#include <string.h>

ek_status eki_unary_infer(eki_infer *infer, eki_step_fn forward) {
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    EKI_TRY(eki_infer_f32(infer, 0));
    EKI_TRY(eki_infer_same(infer));
    return eki_infer_fold(infer, forward);
}

ek_status eki_unary_prepare(eki_step *step, ek_error *err, char from) {
    step->keep_in[0] = from == 'x' && step->want_din[0];
    step->keep_out[0] = from == 'y' && step->want_din[0];
    step->in_place = EKI_ANY_INPUT;
    return eki_prepare_same_layout(step, err);
}

static void attributes(const eki_node *node, float alpha, float beta, eki_unary_job *j) {
    j->alpha = eki_node_float(node, "alpha", alpha);
    j->beta = eki_node_float(node, eki_node_attr(node, "gamma") != NULL ? "gamma" : "beta", beta);
    j->by_tanh = eki_node_string_is(node, "approximate", "tanh", false);
}

ek_status eki_unary_forward(eki_step *step, eki_grain_fn grain, bool zero, float alpha, float beta) {
    eki_unary_job j = {.x = step->in[0].data, .to = step->out[0].data};
    attributes(step->node, alpha, beta, &j);
    eki_for_grains(step, eki_view_elements(&step->out[0]), grain, &j);
    if (!zero) eki_clean_padding(step, j.to);
    return EK_OK;
}

ek_status eki_unary_backward(eki_step *step, eki_grain_fn grain, float alpha, float beta) {
    eki_unary_job j = {.x = step->in[0].data, .y = step->out[0].data, .dy = step->dout[0], .to = step->din[0]};
    if (j.to == NULL) return EK_OK;
    if (j.dy == NULL) {
        memset(j.to, 0, eki_view_bytes(&step->out[0]));
        return EK_OK;
    }
    attributes(step->node, alpha, beta, &j);
    eki_for_grains(step, eki_view_elements(&step->out[0]), grain, &j);
    eki_clean_padding(step, j.to);
    return EK_OK;
}
