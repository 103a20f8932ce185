/* op_bound.h: how large the numbers in a tensor can be.
 *
 * oneDNN's ReLU and clip lose NaN, ours keep it. Where no NaN can arise the two are the same, and a convolution leaves
 * the ReLU to oneDNN, which does it before the result is written. Whether one can is decided anew in each run: with
 * |x| <= B, no sum of a convolution exceeds B times the largest sum of its weights' magnitudes, plus its bias, plus the
 * residual. Such bounds pass from convolution to convolution (eki_view.bound); where one is not known, or has grown too
 * large (with every layer it grows by more than the numbers do), the tensor itself is looked at. If what is in it may
 * overflow, or is NaN or infinite, the ReLU runs on its own. The bits are the same either way.
 */
#ifndef EKI_OP_BOUND_H
#define EKI_OP_BOUND_H

#include "graph/op.h"

/* |y| <= by * |x| + add. INFINITY = not known. */
typedef struct eki_gain {
    double by, add;
} eki_gain;

/* From the weights (input 1) and the bias (input 2) of a convolution. */
void eki_gain_of_conv(const eki_step *step, eki_gain *gain);
/* Sets the bound of a convolution's result; true: no sum in it overflows, and nothing that it reads is NaN. */
bool eki_bound_conv(const eki_step *step, const eki_gain *gain);
/* Output 0 holds nothing larger than input 0 does: its bound is that one's. Whether it is known. */
bool eki_bound_same(const eki_step *step);
/* The largest magnitude of `count` numbers, INFINITY when one of them is NaN or infinite. */
double eki_largest(const eki_step *step, const float *data, size_t count);

#endif
