/* op_conv.h: what Conv and ConvTranspose share: from a step and its window to one of oneDNN's convolutions. */
#ifndef EKI_OP_CONV_H
#define EKI_OP_CONV_H

#include "dnnl/adapter.h"
#include "graph/op/op_window.h"

/* Everything but channels, extents, bias and which gradients are wanted. */
eki_conv_desc eki_conv_desc_for_step(const eki_step *step, const eki_window *window);
/* Chooses the layouts as the plan says and makes the convolution; an error has the node's name in front. */
ek_status eki_conv_for_step(const eki_step *step, eki_conv_desc *desc, eki_conv **conv, ek_error *err);

#endif
