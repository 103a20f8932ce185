/* op_bound.c: bounds of tensors, passed along or measured. */
#include "graph/op/op_bound.h"

#include "graph/op/op_common.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Far below the largest f32, and GROWTH above what rounding adds to a sum of a million terms. */
static const double most = 1e37, growth = 1.25;

typedef struct largest_job {
    const void *data;
    _Atomic int32_t largest;
} largest_job;

static void note(largest_job *j, int32_t largest) {
    int32_t known = atomic_load(&j->largest);
    while (known < largest && !atomic_compare_exchange_weak(&j->largest, &known, largest)) {
    }
}

static int32_t magnitude(const float *x) {
    int32_t bits;
    memcpy(&bits, x, sizeof bits);
    return bits & 0x7fffffff;
}

/* Magnitudes compare as their bits do, and NaN is above all numbers. Lanes, so that no comparison waits for the one
 * before. */
EKI_VECTORS static void largest_grain(void *argument, size_t begin, size_t end) {
    enum { LANES = 32 };
    largest_job *j = argument;
    const float *data = j->data;
    int32_t lanes[LANES] = {0};
    size_t i = begin;
    for (; i + LANES <= end; i += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            int32_t own = magnitude(data + i + l);
            lanes[l] = own > lanes[l] ? own : lanes[l];
        }
    }
    for (; i < end; i++) {
        int32_t own = magnitude(data + i);
        lanes[0] = own > lanes[0] ? own : lanes[0];
    }
    int32_t largest = 0;
    for (size_t l = 0; l < LANES; l++) largest = lanes[l] > largest ? lanes[l] : largest;
    note(j, largest);
}

/* Of numbers in bf16: the upper halves of what is above. */
EKI_VECTORS static void largest_half_grain(void *argument, size_t begin, size_t end) {
    largest_job *j = argument;
    const uint16_t *data = j->data;
    uint16_t most_bits = 0;
    for (size_t i = begin; i < end; i++) {
        uint16_t own = data[i] & 0x7fff;
        most_bits = own > most_bits ? own : most_bits;
    }
    note(j, (int32_t)((uint32_t)most_bits << 16));
}

static double largest_of(const eki_step *step, const void *data, size_t count, eki_grain_fn grain) {
    largest_job j = {.data = data};
    atomic_init(&j.largest, 0);
    eki_for_grains(step, count, grain, &j);
    int32_t bits = atomic_load(&j.largest);
    float value;
    memcpy(&value, &bits, sizeof value);
    return bits < 0x7f800000 ? (double)value : INFINITY;
}

double eki_largest(const eki_step *step, const float *data, size_t count) {
    return largest_of(step, data, count, largest_grain);
}

typedef struct gain_job {
    const float *weights, *bias;
    size_t row;
    double *sums;
} gain_job;

static double sum_of_magnitudes(const float *weights, size_t count) {
    double lanes[8] = {0};
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        for (size_t l = 0; l < 8; l++) lanes[l] += (double)fabsf(weights[i + l]);
    }
    for (; i < count; i++) lanes[0] += (double)fabsf(weights[i]);
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

static void gain_task(void *argument, size_t o) {
    const gain_job *j = argument;
    j->sums[o] = sum_of_magnitudes(j->weights + o * j->row, j->row);
}

void eki_gain_of_conv(const eki_step *step, eki_gain *gain) {
    size_t outputs = (size_t)step->in[1].shape.dims[0], count = eki_view_elements(&step->in[1]);
    *gain = (eki_gain){.by = INFINITY};
    double *sums = outputs > 0 ? eki_calloc(outputs, sizeof *sums) : NULL;
    if (sums == NULL) return; /* not known */
    gain_job j = {.weights = step->in[1].data, .row = count / outputs, .sums = sums};
    eki_for_tasks(step, outputs, gain_task, &j);
    double by = 0.0;
    for (size_t o = 0; o < outputs; o++) by = sums[o] <= by ? by : sums[o]; /* NaN is taken */
    free(sums);
    bool bias = step->n_in > 2 && step->has_in[2];
    if (bias && !step->is_parameter[2] && step->constant[2] == NULL) return;
    double add = bias ? eki_largest(step, step->in[2].data, eki_view_elements(&step->in[2])) : 0.0;
    if (by < most && add < most) *gain = (eki_gain){.by = growth * by, .add = growth * add};
}

static double known(const eki_view *view) { return view->bound != NULL ? *view->bound : INFINITY; }

bool eki_bound_same(const eki_step *step) {
    double bound = known(&step->in[0]);
    if (step->out[0].dtype == EK_BF16) bound *= growth; /* rounded, perhaps */
    if (step->out[0].bound != NULL) *step->out[0].bound = bound;
    return bound < INFINITY;
}

static double measured(const eki_step *step, const eki_view *view) {
    size_t count = eki_view_elements(view);
    return largest_of(step, view->data, count, view->dtype == EK_BF16 ? largest_half_grain : largest_grain);
}

static double result(const eki_gain *gain, double x, double residual) { return gain->by * x + gain->add + residual; }

/* What |f(x)| is at most where |x| is at most `bound`. */
static double bound_behind(eki_activation f, double bound) {
    if (f.kind == EK_ACTIVATION_LEAKY_RELU) return bound * fmax(1.0, fabs((double)f.alpha));
    if (f.kind == EK_ACTIVATION_CLIP) return fmin(bound, fmax(-(double)f.alpha, (double)f.beta));
    return bound;
}

bool eki_bound_conv(const eki_step *step, const eki_gain *gain) {
    const eki_view *x = &step->in[0], *residual = &step->tail.in;
    const eki_activation f = step->tail.activation;
    bool asks = f.kind != EK_ACTIVATION_NONE && !eki_activation_is_gate(f);
    double bound = INFINITY;
    if (gain->by < most) {
        double bx = known(x), br = step->tail.residual ? known(residual) : 0.0;
        bound = result(gain, bx, br);
        if (asks && !(bound < most)) {
            if (!(result(gain, bx, 0.0) < most)) bx = measured(step, x);
            if (!(result(gain, bx, br) < most)) br = step->tail.residual ? measured(step, residual) : 0.0;
            bound = result(gain, bx, br);
        }
    }
    bool finite = bound < most;
    if (step->out[0].bound != NULL) *step->out[0].bound = finite ? bound_behind(f, bound) : INFINITY;
    return finite;
}
