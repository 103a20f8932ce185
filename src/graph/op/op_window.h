/* op_window.h: the sliding window of convolutions and pools: kernel, strides, dilations, pads, output extents. */
#ifndef EKI_OP_WINDOW_H
#define EKI_OP_WINDOW_H

#include "graph/op/op_common.h"

typedef struct eki_window {
    int spatial; /* 1 to 3 */
    int64_t kernel[3], stride[3], dilation[3], pad_begin[3], pad_end[3], out[3];
    bool ceil_mode, same; /* same: pads follow from the extents (auto_pad) */
} eki_window;

/* An attribute of `count` integers, each at least `least`, or `fallback` where the node has none. */
ek_status eki_window_list(const eki_node *node, const char *name, int64_t fallback, int count, int64_t least,
                          int64_t *values, ek_error *err);
/* Kernel, strides, dilations and explicit pads of a node, without the extents that follow from an input's. */
ek_status eki_window_attributes(const eki_node *node, int rank, const int64_t *kernel, eki_window *window,
                                ek_error *err);
/* Reads the node's attributes for an input shape (N, C, D1, ...). `kernel` is the kernel where kernel_shape is absent
 * (from a weight's shape), or NULL. Extents of `x` may be symbolic: the matching out[] is then -1. */
ek_status eki_window_read(const eki_node *node, const eki_shape *x, const int64_t *kernel, eki_window *window,
                          ek_error *err);
/* The same for a ConvTranspose: extents of its output, and the pads that the convolution behind it has. */
ek_status eki_conv_transpose_window(const eki_node *node, const eki_shape *x, const int64_t *kernel, eki_window *w,
                                    ek_error *err);
/* The output shape (N, channels, out...) in infer; unknown extents get fresh symbols. */
ek_status eki_window_shape(eki_infer *infer, const eki_window *window, int64_t channels, eki_shape *shape);

#endif
