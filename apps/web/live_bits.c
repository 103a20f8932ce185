/* live_bits.c: random norms, hashed: a page shows that the norms in it have the bits of the program that wrote it. */
#include "web/live_net.h"

#include <stdlib.h>
#include <string.h>

enum { LARGEST = 6 }; /* extents */

typedef struct norm_case {
    ek_norm_desc desc;
    ek_norm_plan *plan;
    uint64_t stream, next;
    size_t elements, parameters, sets, real, bytes; /* real, bytes: of a parameter, of an element */
    void *held[16];
    int held_count, failed;
} norm_case;

static int below(norm_case *c, int bound) { return (int)(live_word(c->stream, c->next++) % (uint64_t)bound); }

static void choose_shape(norm_case *c) {
    ek_norm_desc *d = &c->desc;
    int over_axes = ek_norm_kind_over_axes(d->kind);
    static const ek_layout layouts[] = {EK_LAYOUT_NCHW, EK_LAYOUT_NHWC, EK_LAYOUT_BLOCKED8, EK_LAYOUT_BLOCKED16};
    d->layout = layouts[over_axes ? 0 : below(c, 4)];
    d->rank = over_axes ? 2 : 3 + below(c, 2);
    for (int i = 0; i < d->rank; i++) d->dims[i] = 1 + below(c, LARGEST);
    d->dims[1] = over_axes ? 1 + below(c, 150) : 2 * (1 + below(c, 12));
    if (d->kind == EK_NORM_GROUP) d->groups = 2;
}

static void choose(norm_case *c) {
    static const ek_dtype types[] = {EK_F32, EK_F32, EK_BF16, EK_F16, EK_F64};
    c->desc = ek_norm_desc_default((ek_norm_kind)(1 + below(c, 5)));
    ek_norm_desc *d = &c->desc;
    choose_shape(c);
    d->dtype = types[below(c, 5)];
    d->activation = (ek_activation)below(c, EK_ACTIVATION_GELU + 1);
    d->residual = below(c, 2);
    if (d->activation == EK_ACTIVATION_LEAKY_RELU) d->activation_alpha = 0.125;
    if (d->activation == EK_ACTIVATION_CLIP) d->activation_alpha = -0.5, d->activation_beta = 0.75;
    if (d->activation == EK_ACTIVATION_HARD_SIGMOID) d->activation_alpha = 0.25, d->activation_beta = 0.5;
}

static void measure(norm_case *c) {
    const ek_norm_desc *d = &c->desc;
    int64_t channels = d->dims[1], block = d->layout > 1 ? (int64_t)d->layout : 1;
    c->bytes = d->dtype == EK_F64 ? 8 : d->dtype == EK_F32 ? 4 : 2;
    c->real = d->dtype == EK_F64 ? 8 : 4;
    c->elements = (size_t)((channels + block - 1) / block * block);
    for (int i = 0; i < d->rank; i++) c->elements *= i == 1 ? 1 : (size_t)d->dims[i];
    c->parameters = (size_t)channels;
    c->sets = (size_t)ek_norm_sets(c->plan);
}

static void *hold(norm_case *c, size_t count, size_t bytes) {
    void *room = c->held_count < 16 ? calloc(count, bytes) : NULL;
    if (room == NULL)
        c->failed = 1;
    else
        c->held[c->held_count++] = room;
    return room;
}

/* In [-2, 2), exact in a float. */
static double number(norm_case *c) { return (double)(live_word(c->stream, c->next++) >> 40) / 4194304.0 - 2.0; }

/* Numbers of 2, 4 or 8 bytes; of 2: signs, exponents of numbers from 2^-3 to 2, and fractions. */
static void *numbers(norm_case *c, size_t count, size_t bytes) {
    unsigned char *room = hold(c, count, bytes);
    for (size_t i = 0; room != NULL && i < count; i++) {
        double wide = number(c);
        float narrow = (float)wide;
        uint64_t word = live_word(c->stream, c->next++);
        unsigned exponent = c->desc.dtype == EK_BF16 ? (124u + word % 4) << 7 : (12u + word % 4) << 10;
        uint16_t half =
            (uint16_t)((word >> 8 & 0x8000) | exponent | (word >> 32 & (c->desc.dtype == EK_BF16 ? 127 : 1023)));
        const void *from = bytes == 8 ? (void *)&wide : bytes == 4 ? (void *)&narrow : (void *)&half;
        memcpy(room + i * bytes, from, bytes);
    }
    return room;
}

static uint32_t hash(uint32_t h, const void *data, size_t count, size_t bytes) {
    const unsigned char *p = data;
    for (size_t i = 0; p != NULL && i < count * bytes; i++) h = (h ^ p[i]) * 16777619u;
    return h;
}

static ek_norm_args inputs(norm_case *c) {
    ek_norm_args a = {.struct_size = sizeof a};
    a.x = numbers(c, c->elements, c->bytes);
    a.dy = numbers(c, c->elements, c->bytes);
    a.scale = numbers(c, c->parameters, c->real);
    a.bias = numbers(c, c->parameters, c->real);
    if (c->desc.residual) a.residual = numbers(c, c->elements, c->bytes);
    return a;
}

static void outputs(norm_case *c, ek_norm_args *a, void *workspace) {
    a->y = hold(c, c->elements, c->bytes);
    a->dx = hold(c, c->elements, c->bytes);
    a->dscale = hold(c, c->parameters, c->real);
    a->dbias = hold(c, c->parameters, c->real);
    a->mean = hold(c, c->sets, c->real);
    a->var = hold(c, c->sets, c->real);
    if (c->desc.residual) a->dresidual = hold(c, c->elements, c->bytes);
    a->saved = hold(c, ek_norm_saved_bytes(c->plan), 1);
    a->workspace = workspace;
}

static uint32_t run(norm_case *c, const ek_norm_args *a) {
    ek_error err;
    if (c->failed || ek_norm_forward(c->plan, EK_STATS_BATCH, a, &err) != EK_OK ||
        ek_norm_backward(c->plan, a, &err) != EK_OK)
        return 0;
    uint32_t h = hash(2166136261u, a->y, c->elements, c->bytes);
    h = hash(h, a->dx, c->elements, c->bytes);
    h = hash(h, a->dresidual, c->elements, c->bytes);
    h = hash(h, a->mean, c->sets, c->real);
    h = hash(h, a->var, c->sets, c->real);
    h = hash(h, a->dscale, c->parameters, c->real);
    return hash(h, a->dbias, c->parameters, c->real);
}

uint32_t live_bits(int i) {
    norm_case c = {.stream = live_word(4096, (uint64_t)i)};
    ek_error err;
    choose(&c);
    if (ek_norm_plan_create(&c.desc, &c.plan, &err) != EK_OK) return 0;
    measure(&c);
    void *workspace = aligned_alloc(64, ek_norm_workspace_bytes(c.plan));
    ek_norm_args a = inputs(&c);
    outputs(&c, &a, workspace);
    uint32_t h = workspace != NULL ? run(&c, &a) : 0;
    for (int k = 0; k < c.held_count; k++) free(c.held[k]);
    free(workspace);
    ek_norm_plan_destroy(c.plan);
    return h;
}
