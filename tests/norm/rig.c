/* rig.c: buffers of a norm of any type. */
#include "norm/rig.h"

#include "base/memory.h"
#include "base/random.h"
#include "support/half_ref.h"
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const ek_dtype rig_types[4] = {EK_F32, EK_BF16, EK_F16, EK_F64};

static const char *const names[RIG_BUFFERS] = {"x",     "dy",   "residual", "y",     "dx",           "dresidual",
                                               "scale", "bias", "dscale",   "dbias", "running_mean", "running_var",
                                               "mean",  "var"};

const char *rig_name(int buffer) { return names[buffer]; }

static bool is_output(int buffer) {
    return (buffer >= RIG_Y && buffer <= RIG_DRESIDUAL) || buffer == RIG_DSCALE || buffer == RIG_DBIAS ||
           buffer >= RIG_MEAN;
}

static size_t product(const ek_norm_desc *d, int begin, int end) {
    size_t p = 1;
    for (int i = begin; i < end; i++) p *= (size_t)d->dims[i];
    return p;
}

static bool by_element(const ek_norm_desc *d) {
    return (d->kind == EK_NORM_LAYER || d->kind == EK_NORM_RMS) && d->affine == EK_AFFINE_ELEMENT;
}

static size_t tensor_elements(const ek_norm_desc *d) {
    if (d->layout != EK_LAYOUT_BLOCKED8 && d->layout != EK_LAYOUT_BLOCKED16) return product(d, 0, d->rank);
    size_t block = (size_t)d->layout, blocks = ((size_t)d->dims[1] + block - 1) / block;
    return (size_t)d->dims[0] * blocks * block * product(d, 2, d->rank);
}

static size_t element_bytes(const rig *r, int buffer) {
    if (r->desc.dtype == EK_F64) return 8;
    return buffer > RIG_DRESIDUAL || r->desc.dtype == EK_F32 ? 4 : 2;
}

static bool is_half(const rig *r, int buffer) { return element_bytes(r, buffer) == 2; }
static eki_data half_type(const rig *r) { return r->desc.dtype == EK_BF16 ? EKI_BF16 : EKI_F16; }

double rig_get(const rig *r, int buffer, size_t i) {
    const void *b = r->buffer[buffer];
    if (is_half(r, buffer)) return (double)eki_ref_widen(half_type(r), ((const uint16_t *)b)[i]);
    return element_bytes(r, buffer) == 8 ? ((const double *)b)[i] : (double)((const float *)b)[i];
}

void rig_set(rig *r, int buffer, size_t i, double value) {
    void *b = r->buffer[buffer];
    if (is_half(r, buffer)) {
        ((uint16_t *)b)[i] = eki_ref_narrow(half_type(r), (float)value);
    } else if (element_bytes(r, buffer) == 8) {
        ((double *)b)[i] = value;
    } else {
        ((float *)b)[i] = (float)value;
    }
}

static double noise(eki_random random, uint64_t i) {
    return 3.4641016151377544 * (eki_random_uniform(random, i) - 0.5);
}

static void randomize(rig *r, uint64_t seed, double size, double offset) {
    eki_random random = eki_random_stream(seed, "rig", r->count[RIG_X], r->count[RIG_SCALE]);
    uint64_t at = 0;
    for (int b = 0; b < RIG_BUFFERS; b++) {
        for (size_t i = 0; !is_output(b) && i < r->count[b]; i++) {
            double value = noise(random, at++);
            if (b == RIG_SCALE) {
                rig_set(r, b, i, (i % 2 ? -1.0 : 1.0) * (1.2 + 0.5 * value));
            } else if (b == RIG_RUNNING_VAR) {
                rig_set(r, b, i, size * size * (1.0 + 0.5 * value));
            } else {
                rig_set(r, b, i, size * ((b == RIG_X || b == RIG_RUNNING_MEAN ? offset : 0.0) + value));
            }
        }
    }
}

static void set_args(rig *r) {
    void *const *b = r->buffer;
    bool batch = r->desc.kind == EK_NORM_BATCH, residual = r->desc.residual != 0;
    r->args = (ek_norm_args){.struct_size = sizeof r->args,
                             .x = b[RIG_X],
                             .y = b[RIG_Y],
                             .scale = b[RIG_SCALE],
                             .bias = b[RIG_BIAS],
                             .running_mean = batch ? b[RIG_RUNNING_MEAN] : NULL,
                             .running_var = batch ? b[RIG_RUNNING_VAR] : NULL,
                             .mean = b[RIG_MEAN],
                             .var = b[RIG_VAR],
                             .dy = b[RIG_DY],
                             .dx = b[RIG_DX],
                             .dscale = b[RIG_DSCALE],
                             .dbias = b[RIG_DBIAS],
                             .residual = residual ? b[RIG_RESIDUAL] : NULL,
                             .dresidual = residual ? b[RIG_DRESIDUAL] : NULL};
    r->args.saved = eki_alloc(eki_sized(ek_norm_saved_bytes(r->plan)));
    r->args.workspace = eki_alloc(eki_sized(ek_norm_workspace_bytes(r->plan)));
}

rig *rig_make(const ek_norm_desc *desc, uint64_t seed, double size, double offset) {
    rig *r = calloc(1, sizeof *r);
    ek_error err;
    r->desc = *desc;
    if (ek_norm_plan_create(desc, &r->plan, &err) != EK_OK) fail_msg("%s", err.text);
    int axis = desc->axis < 0 ? desc->axis + desc->rank : desc->axis;
    size_t parameters = by_element(desc) ? product(desc, axis, desc->rank) : (size_t)desc->dims[1];
    for (int b = 0; b < RIG_BUFFERS; b++) {
        r->count[b] = b <= RIG_DRESIDUAL ? tensor_elements(desc)
                      : b < RIG_MEAN     ? parameters
                                         : (size_t)ek_norm_sets(r->plan);
        r->bytes[b] = r->count[b] * element_bytes(r, b);
        r->buffer[b] = eki_alloc(eki_sized(r->bytes[b] + 1));
        memset(r->buffer[b], 0x55, r->bytes[b]);
    }
    randomize(r, seed, size, offset);
    set_args(r);
    return r;
}

void rig_free(rig *r) {
    for (int b = 0; b < RIG_BUFFERS; b++) eki_free(r->buffer[b]);
    eki_free(r->args.saved);
    eki_free(r->args.workspace);
    ek_norm_plan_destroy(r->plan);
    free(r);
}

void rig_forward(rig *r, ek_norm_stats stats) {
    ek_error err;
    memset(r->args.workspace, 0xff, ek_norm_workspace_bytes(r->plan));
    if (ek_norm_forward(r->plan, stats, &r->args, &err) != EK_OK) fail_msg("%s", err.text);
}

void rig_backward(rig *r) {
    ek_error err;
    memset(r->args.workspace, 0xff, ek_norm_workspace_bytes(r->plan));
    if (ek_norm_backward(r->plan, &r->args, &err) != EK_OK) fail_msg("%s", err.text);
}

rig_outputs rig_keep(const rig *r) {
    rig_outputs o = {{NULL}};
    for (int b = 0; b < RIG_BUFFERS; b++) {
        o.buffer[b] = eki_alloc(eki_sized(r->bytes[b] + 1));
        memcpy(o.buffer[b], r->buffer[b], r->bytes[b]);
    }
    return o;
}

int rig_differs(const rig *r, const rig_outputs *a, const rig_outputs *b) {
    for (int i = 0; i < RIG_BUFFERS; i++) {
        if (memcmp(a->buffer[i], b->buffer[i], r->bytes[i]) != 0) return i;
    }
    return -1;
}

void rig_drop(rig_outputs *o) {
    for (int b = 0; b < RIG_BUFFERS; b++) eki_free(o->buffer[b]);
}
