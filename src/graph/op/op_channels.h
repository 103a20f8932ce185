/* op_channels.h: elementwise functions of a tensor and a number for each of its channels (and examples), such as the
 * gate of a squeeze-and-excitation block or a slope of PRelu, where the tensor lies: blocked or channels last. */
#ifndef EKI_OP_CHANNELS_H
#define EKI_OP_CHANNELS_H

#include "graph/op/op_common.h"

/* y = f(x, of[lane]) over `rows` of `lanes` numbers. */
typedef void (*eki_channels_fn)(void *argument, const float *x, const float *of, float *y, int64_t rows, int64_t lanes);

/* Whether the shape `of` (rank as it is, or lower) has one number for each channel of x, all examples alike or not. */
bool eki_is_per_channel(const eki_shape *x, const eki_shape *of);

/* x: blocked or channels last, and y as x; of: plain. f(0, 0) must be 0, as the padding of channels stays zero. */
void eki_channels_run(const eki_step *step, const eki_view *x, const eki_view *of, eki_channels_fn body,
                      void *argument);

#endif
