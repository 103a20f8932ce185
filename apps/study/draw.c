/* draw.c: numbers for the experiments (counter-based, the same on every machine), comparisons bit by bit, moments.
 *
 * The generator is SplitMix64 (Steele, Lea and Flood 2014) on a mix of seed, purpose and index, so that a number never
 * depends on which experiments ran before it. Normals are sums of twelve uniforms: no libm call, hence the same bits
 * everywhere, and more than normal enough for data that is about to be normalized.
 */
#include "study/seam.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

ek_status eks_fail(ek_error *err, ek_status status, const char *fmt, ...) {
    if (err) {
        va_list list;
        va_start(list, fmt);
        vsnprintf(err->text, sizeof err->text, fmt, list);
        va_end(list);
        err->status = status;
    }
    return status;
}

double eks_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

float *eks_floats(size_t count, ek_error *err) {
    float *x = calloc(count ? count : 1, sizeof *x);
    if (!x) eks_fail(err, EK_ERR_NOMEM, "out of memory for %zu numbers of an experiment", count);
    return x;
}

static uint64_t mix(uint64_t z) {
    z += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t eks_run_seed(uint64_t seed, int index) { return seed * 1000 + (uint64_t)index + 2; }

double eks_uniform(uint64_t seed, uint64_t purpose, uint64_t index) {
    return (double)(mix(mix(mix(seed) ^ purpose) ^ index) >> 11) * 0x1p-53;
}

double eks_normal(uint64_t seed, uint64_t purpose, uint64_t index) {
    double sum = -6;
    for (uint64_t i = 0; i < 12; i++) sum += eks_uniform(seed, purpose, index * 12 + i);
    return sum;
}

void eks_fill_normal(float *x, size_t count, uint64_t seed, uint64_t purpose, double mean, double deviation) {
    for (size_t i = 0; i < count; i++) x[i] = (float)(mean + deviation * eks_normal(seed, purpose, i));
}

void eks_permutation(int64_t *order, int64_t count, uint64_t seed, uint64_t purpose) {
    for (int64_t i = 0; i < count; i++) order[i] = i;
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t j = (int64_t)(eks_uniform(seed, purpose, (uint64_t)i) * (double)(i + 1));
        int64_t other = order[j];
        order[j] = order[i];
        order[i] = other;
    }
}

int64_t eks_differing(const float *a, const float *b, size_t count) {
    int64_t differing = 0;
    for (size_t i = 0; i < count; i++) differing += memcmp(&a[i], &b[i], sizeof *a) != 0;
    return differing;
}

double eks_max_difference(const float *a, const float *b, size_t count) {
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)a[i] - (double)b[i]);
        if (!(difference <= most)) most = difference;
    }
    return most;
}

double eks_max_magnitude(const float *a, size_t count) {
    double most = 0;
    for (size_t i = 0; i < count; i++) most = fmax(most, fabs((double)a[i]));
    return most;
}

void eks_moments(const float *x, size_t count, size_t stride, double *mean, double *var) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) sum += (double)x[i * stride];
    *mean = sum / (double)count;
    for (size_t i = 0; i < count; i++) {
        double d = (double)x[i * stride] - *mean;
        squares += d * d;
    }
    *var = squares / (double)count;
}
