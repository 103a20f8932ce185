/* random_case.c: descriptors, data and hashes of random norms. */
#include "norm/random_case.h"

#include "base/random.h"
#include "cpu/dispatch.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Drawn one after the other. */
typedef struct {
    eki_random random;
    uint64_t at;
} dice;

static int64_t below(dice *d, int64_t bound) { return (int64_t)eki_random_below(d->random, d->at++, (uint64_t)bound); }
static int64_t between(dice *d, int64_t low, int64_t high) { return low + below(d, high - low + 1); }
static int one_in(dice *d, int64_t n) { return below(d, n) == 0; }

/* 1 to `most`; small numbers as often as large ones. */
static int64_t extent(dice *d, int64_t most) {
    int64_t bits = 0;
    while (most >> (bits + 1) > 0) bits++;
    int64_t top = INT64_C(2) << between(d, 0, bits);
    return between(d, 1, top < most ? top : most);
}

enum { USUAL = 6000, LARGE = 40000 }; /* elements; large ones have blocks of their own in every sum */

/* N, C and space, in that order or as the last axes, within the budget. */
static void draw_dims(dice *d, ek_norm_desc *desc, int least, int most) {
    int64_t budget = one_in(d, 12) ? LARGE : USUAL, used = 1;
    desc->rank = (int)between(d, least, most);
    int long_one = (int)below(d, desc->rank); /* drawn first, so that it may be long */
    for (int k = 0; k < desc->rank; k++) {
        int i = k == 0 ? long_one : k <= long_one ? k - 1 : k;
        int64_t room = budget / used;
        desc->dims[i] = k == 0 ? extent(d, one_in(d, 4) ? room : room / 16) : between(d, 1, room < 16 ? room : 16);
        used *= desc->dims[i];
    }
}

static int64_t divisor_of(dice *d, int64_t n) {
    int64_t g = between(d, 1, n);
    while (n % g != 0) g--;
    return g;
}

static void draw_kind(dice *d, ek_norm_desc *desc) {
    static const ek_layout layouts[] = {EK_LAYOUT_NCHW, EK_LAYOUT_NCHW, EK_LAYOUT_NHWC, EK_LAYOUT_BLOCKED8,
                                        EK_LAYOUT_BLOCKED16};
    int64_t kind = between(d, 0, EK_NORM_RMS); /* batch norm twice as often: it has the most ways */
    *desc = ek_norm_desc_default(kind == 0 ? EK_NORM_BATCH : (ek_norm_kind)kind);
    int layer = desc->kind == EK_NORM_LAYER || desc->kind == EK_NORM_RMS, by_element = layer && !one_in(d, 3);
    draw_dims(d, desc, by_element ? 1 : 2, by_element ? EK_NORM_MAX_RANK : 5);
    if (by_element) desc->axis = (int)below(d, desc->rank);
    if (layer && !by_element) desc->axis = 1, desc->affine = EK_AFFINE_CHANNEL;
    if (!by_element) desc->layout = layouts[below(d, 5)];
    if (desc->kind == EK_NORM_GROUP) desc->groups = divisor_of(d, desc->dims[1]);
    desc->dtype = (const ek_dtype[]){EK_F32, EK_F32, EK_F32, EK_BF16, EK_F16, EK_F64}[below(d, 6)];
    desc->epsilon = (const double[]){1e-5, 1e-3, 1e-12, 0}[below(d, 4)];
}

static void draw_fusion(dice *d, ek_norm_desc *desc) {
    if (one_in(d, 2)) return;
    desc->residual = one_in(d, 2);
    desc->activation = (ek_activation)between(d, EK_ACTIVATION_NONE, EK_ACTIVATION_GELU);
    if (desc->activation == EK_ACTIVATION_LEAKY_RELU) desc->activation_alpha = 0.01;
    if (desc->activation == EK_ACTIVATION_CLIP) desc->activation_alpha = -0.5, desc->activation_beta = 1.5;
    if (desc->activation == EK_ACTIVATION_HARD_SIGMOID) desc->activation_alpha = 0.2, desc->activation_beta = 0.5;
}

static void draw_variant(dice *d, ek_norm_desc *desc) {
    if (desc->kind == EK_NORM_BATCH && one_in(d, 8)) desc->ghost = between(d, 1, desc->dims[0]);
    if (desc->kind == EK_NORM_BATCH && one_in(d, 8)) desc->renorm_r_max = 1.5, desc->renorm_d_max = 0.5;
    if (desc->kind == EK_NORM_BATCH && one_in(d, 4)) desc->chunk = between(d, 1, desc->dims[0]);
    desc->masked = one_in(d, 10) && desc->axis != 0;
}

static size_t product(const ek_norm_desc *d, int begin, int end) {
    size_t p = 1;
    for (int i = begin; i < end; i++) p *= (size_t)d->dims[i];
    return p;
}

static void count(random_case *c) {
    const ek_norm_desc *d = &c->desc;
    int layer = d->kind == EK_NORM_LAYER || d->kind == EK_NORM_RMS,
        by_element = layer && d->affine == EK_AFFINE_ELEMENT;
    size_t channels = by_element ? 1 : (size_t)d->dims[1], block = d->layout > 1 ? (size_t)d->layout : 1;
    c->elements = product(d, 0, d->rank) / channels * ((channels + block - 1) / block * block);
    c->parameters = by_element ? product(d, d->axis, d->rank) : channels;
    c->masked_positions = by_element ? product(d, 0, d->axis) : (size_t)d->dims[0] * product(d, 2, d->rank);
}

static void describe(random_case *c, uint64_t number) {
    static const char *const kinds[] = {"", "batch", "layer", "group", "instance", "rms"};
    const ek_norm_desc *d = &c->desc;
    size_t used = (size_t)snprintf(
        c->text, sizeof c->text, "%llu: %s, type %d, layout %d, axis %d, groups %d, activation %d%s%s%s%s%s, chunk %d,",
        (unsigned long long)number, kinds[d->kind], (int)d->dtype, (int)d->layout, d->axis, (int)d->groups,
        (int)d->activation, d->residual ? " residual" : "", d->masked ? " masked" : "", d->ghost > 0 ? " ghost" : "",
        d->renorm_r_max > 0 ? " renorm" : "", c->stats == EK_STATS_RUNNING ? " running" : "", (int)d->chunk);
    for (int i = 0; i < d->rank; i++) {
        used += (size_t)snprintf(c->text + used, sizeof c->text - used, " %d", (int)d->dims[i]);
    }
}

random_case random_case_make(uint64_t seed, uint64_t number) {
    dice d = {eki_random_stream(seed, "case", number, 0), 0};
    random_case c;
    memset(&c, 0, sizeof c);
    draw_kind(&d, &c.desc);
    draw_fusion(&d, &c.desc);
    draw_variant(&d, &c.desc);
    c.stats = c.desc.kind == EK_NORM_BATCH && one_in(&d, 3) ? EK_STATS_RUNNING : EK_STATS_BATCH;
    c.no_scale = one_in(&d, 6);
    c.no_bias = one_in(&d, 6);
    c.backward = !one_in(&d, 4);
    c.shift = one_in(&d, 2) ? 0 : (int)between(&d, 1, 15);
    c.offset = (const double[]){0, 0.5, -30, 1e4, 1e6}[below(&d, c.desc.dtype == EK_F16 ? 3 : 5)];
    c.spread = (const double[]){1, 1, 0.01, 20}[below(&d, 4)];
    c.strange = one_in(&d, 2) ? 0 : one_in(&d, 3) ? 1 : 2;
    count(&c);
    describe(&c, number);
    return c;
}

size_t random_element_bytes(const random_case *c) {
    return c->desc.dtype == EK_F64 ? 8 : c->desc.dtype == EK_F32 ? 4 : 2;
}
size_t random_real_bytes(const random_case *c) { return c->desc.dtype == EK_F64 ? 8 : 4; }

/* Mean 0, deviation 1, bounded. */
static double noise(eki_random r, uint64_t i) { return 3.4641016151377544 * (eki_random_uniform(r, i) - 0.5); }

/* One in a thousand or so is not an ordinary number. */
static double strange(double value, uint64_t i) {
    static const double others[] = {0, -0.0, 1e-41, -3e-40, 1e30, (double)INFINITY, (double)NAN, 6e-6};
    uint64_t which = i * UINT64_C(0x9e3779b97f4a7c15) >> 48;
    return which < 600 ? others[which % 8] : value;
}

/* One in sixteen is so large that what the others leave in a sum of doubles depends on its order: f32 would show an
 * ordinary sum without its last digits, where the order is. */
static double cancelling(double value, uint64_t i) {
    uint64_t which = i * UINT64_C(0x9e3779b97f4a7c15) >> 59;
    return which == 0 ? 1e18 : which == 1 ? -1e18 : value;
}

void random_fill_tensor(const random_case *c, uint64_t seed, const char *purpose, void *tensor) {
    eki_random r = eki_random_stream(seed, purpose, c->elements, (uint64_t)c->desc.kind);
    int is_x = strcmp(purpose, "x") == 0;
    double offset = is_x ? c->offset : 0, spread = is_x ? c->spread : 1;
    float *floats = calloc(c->elements, sizeof *floats);
    if (floats == NULL) abort();
    for (size_t i = 0; i < c->elements; i++) {
        double value = offset + spread * noise(r, i);
        if (c->strange == 1) value = strange(value, i + seed);
        if (c->strange == 2) value = cancelling(value, i + seed);
        floats[i] = (float)value;
        if (c->desc.dtype == EK_F64) memcpy((double *)tensor + i, &value, sizeof value);
    }
    if (c->desc.dtype == EK_F32) memcpy(tensor, floats, c->elements * sizeof *floats);
    if (c->desc.dtype == EK_BF16) eki_kernels_at(0, EKI_BF16)->narrow(floats, c->elements, tensor);
    if (c->desc.dtype == EK_F16) eki_kernels_at(0, EKI_F16)->narrow(floats, c->elements, tensor);
    free(floats);
}

void random_fill_reals(const random_case *c, uint64_t seed, const char *purpose, int positive, void *reals) {
    eki_random r = eki_random_stream(seed, purpose, c->parameters, (uint64_t)c->desc.kind);
    for (size_t i = 0; i < c->parameters; i++) {
        double value = positive ? 0.1 + eki_random_uniform(r, i) : noise(r, i);
        float narrow = (float)value;
        if (c->desc.dtype == EK_F64) {
            memcpy((double *)reals + i, &value, sizeof value);
        } else {
            memcpy((float *)reals + i, &narrow, sizeof narrow);
        }
    }
}

void random_fill_mask(const random_case *c, uint64_t seed, uint8_t *mask) {
    eki_random r = eki_random_stream(seed, "mask", c->masked_positions, 0);
    for (size_t i = 0; i < c->masked_positions; i++) mask[i] = eki_random_uniform(r, i / 5) < 0.7;
}

static uint64_t bits_at(const void *data, size_t bytes, size_t i) {
    uint64_t bits = 0;
    memcpy(&bits, (const char *)data + i * bytes, bytes);
    return bits;
}

/* Bits of infinity: what is larger, without the sign, is NaN. */
static uint64_t infinity_of(size_t bytes, ek_dtype type) {
    if (bytes == 8) return UINT64_C(0x7ff) << 52;
    if (bytes == 4) return UINT64_C(0x7f8) << 20;
    return type == EK_F16 ? 0x7c00 : 0x7f80;
}

uint64_t random_hash(const random_case *c, uint64_t hash, const void *data, size_t count, int real) {
    size_t bytes = real ? random_real_bytes(c) : random_element_bytes(c);
    uint64_t infinity = infinity_of(bytes, c->desc.dtype), sign = UINT64_C(1) << (8 * bytes - 1);
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = bits_at(data, bytes, i);
        if ((bits & ~sign) > infinity) bits = infinity + 1;
        hash = (hash ^ bits) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash;
}
