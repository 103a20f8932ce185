/* activation.h: functions of one element that end a convolution or a norm. */
#ifndef EKI_ACTIVATION_H
#define EKI_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

typedef enum eki_activation_kind {
    EKI_ACT_NONE = 0,
    EKI_ACT_RELU,       /* max(x, 0), and 0 of -0 */
    EKI_ACT_LEAKY_RELU, /* x < 0: low * x */
    EKI_ACT_CLIP,       /* min(max(x, low), high), low <= 0 <= high */
    EKI_ACT_HARD_SWISH, /* x * min(max(x / 6 + 1/2, 0), 1) */
    EKI_ACT_SWISH       /* x / (1 + exp(-x)) */
} eki_activation_kind;

typedef struct eki_activation {
    eki_activation_kind kind;
    float low, high;
} eki_activation;

/* In place. f(0) = 0, NaN stays. */
void eki_activate(eki_activation f, float *data, size_t count);
/* x times something: NaN stays whoever computes it. */
static inline bool eki_activation_is_gate(eki_activation f) {
    return f.kind == EKI_ACT_HARD_SWISH || f.kind == EKI_ACT_SWISH;
}
/* What |f(x)| is at most where |x| is at most `bound`. */
double eki_activation_bound(eki_activation f, double bound);

#endif
