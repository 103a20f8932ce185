/* activation.c: see activation.h. */
#include "base/activation.h"

#include "base/exp.h"
#include "base/vectors.h"

#include <math.h>

static inline float hard_swish(float x) {
    float gate = 1.0f / 6.0f * x + 0.5f;
    gate = gate < 0.0f ? 0.0f : gate;
    return x * (gate > 1.0f ? 1.0f : gate);
}

EKI_VECTORS void eki_activate(eki_activation f, float *data, size_t count) {
    const float low = f.low, high = f.high;
    switch (f.kind) {
    case EKI_ACT_NONE: break;
    case EKI_ACT_RELU:
        for (size_t i = 0; i < count; i++) data[i] = data[i] <= 0.0f ? 0.0f : data[i];
        break;
    case EKI_ACT_LEAKY_RELU:
        for (size_t i = 0; i < count; i++) data[i] = data[i] < 0.0f ? low * data[i] : data[i];
        break;
    case EKI_ACT_CLIP:
        for (size_t i = 0; i < count; i++) data[i] = data[i] <= low ? low : data[i];
        for (size_t i = 0; i < count; i++) data[i] = data[i] >= high ? high : data[i];
        break;
    case EKI_ACT_HARD_SWISH:
        for (size_t i = 0; i < count; i++) data[i] = hard_swish(data[i]);
        break;
    case EKI_ACT_SWISH:
        for (size_t i = 0; i < count; i++) data[i] = data[i] * eki_logistic(data[i]);
        break;
    }
}

double eki_activation_bound(eki_activation f, double bound) {
    double most = bound;
    if (f.kind == EKI_ACT_LEAKY_RELU && fabsf(f.low) > 1.0f) most = bound * (double)fabsf(f.low);
    if (f.kind == EKI_ACT_CLIP) most = fmin(bound, fmax(-(double)f.low, (double)f.high));
    return most;
}
