/* op_conv.c: what Conv and ConvTranspose share. */
#include "graph/op/op_conv.h"

eki_conv_desc eki_conv_desc_for_step(const eki_step *step, const eki_window *window) {
    eki_conv_desc desc = {.spatial = window->spatial,
                          .n = step->in[0].shape.dims[0],
                          .groups = eki_node_int(step->node, "group", 1),
                          .threads = step->plan->threads,
                          .reproducible = step->plan->reproducible,
                          .ungrouped = step->plan->ungrouped,
                          .shuffled = step->plan->shuffles,
                          .chunk = step->plan->chunk};
    for (int i = 0; i < window->spatial; i++) {
        desc.kernel[i] = window->kernel[i];
        desc.stride[i] = window->stride[i];
        desc.dilation[i] = window->dilation[i];
        desc.pad_begin[i] = window->pad_begin[i];
        desc.pad_end[i] = window->pad_end[i];
    }
    return desc;
}

ek_status eki_conv_for_step(const eki_step *step, eki_conv_desc *desc, eki_conv **conv, ek_error *err) {
    if (step->plan->blocked) {
        eki_conv_choose_layouts(desc, step->in[0].layout, step->plan->block);
    } else {
        desc->src_layout = desc->dst_layout = EK_LAYOUT_NCHW;
    }
    ek_status status = eki_conv_create(desc, conv, err);
    if (!desc->bf16 || status == EK_ERR_NOMEM || (status == EK_OK && eki_conv_is_compiled(*conv))) return status;
    eki_conv_destroy(*conv);
    desc->bf16 = false;
    return eki_conv_for_step(step, desc, conv, err);
}
