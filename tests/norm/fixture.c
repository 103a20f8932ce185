/* fixture.c: buffers, random data and index arrays of a norm test. */
#include "norm/fixture.h"

#include "base/memory.h"
#include "base/random.h"
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define E EK_AFFINE_ELEMENT
#define C EK_AFFINE_CHANNEL
#define NCHW EK_LAYOUT_NCHW
#define NHWC EK_LAYOUT_NHWC
#define B8 EK_LAYOUT_BLOCKED8
#define B16 EK_LAYOUT_BLOCKED16

enum { MOST_SHAPES = 256 };

shape all_shapes[MOST_SHAPES] = {
    {EK_NORM_BATCH, NCHW, 2, {33, 7}, 0, 0, E},
    {EK_NORM_BATCH, NCHW, 2, {2100, 5}, 0, 0, E},
    {EK_NORM_BATCH, NCHW, 3, {5, 6, 19}, 0, 0, E},
    {EK_NORM_BATCH, NCHW, 4, {6, 10, 7, 9}, 0, 0, E},
    {EK_NORM_BATCH, NCHW, 4, {2, 3, 150, 130}, 0, 0, E},
    {EK_NORM_BATCH, NCHW, 5, {3, 4, 3, 5, 7}, 0, 0, E},
    {EK_NORM_BATCH, NHWC, 2, {9, 70}, 0, 0, E},
    {EK_NORM_BATCH, NHWC, 4, {6, 10, 7, 9}, 0, 0, E},
    {EK_NORM_BATCH, NHWC, 4, {1, 67, 65, 64}, 0, 0, E},
    {EK_NORM_BATCH, NHWC, 4, {9, 1, 7, 9}, 0, 0, E},
    {EK_NORM_BATCH, NHWC, 4, {2, 6, 70, 61}, 0, 0, E},
    {EK_NORM_BATCH, B8, 4, {5, 6, 7, 9}, 0, 0, E},
    {EK_NORM_BATCH, B8, 4, {5, 24, 7, 9}, 0, 0, E},
    {EK_NORM_BATCH, B8, 5, {2, 10, 3, 5, 7}, 0, 0, E},
    {EK_NORM_BATCH, B16, 4, {5, 20, 7, 9}, 0, 0, E},
    {EK_NORM_BATCH, B16, 4, {2, 16, 80, 70}, 0, 0, E},
    {EK_NORM_BATCH, B16, 2, {40, 20}, 0, 0, E},
    {EK_NORM_INSTANCE, NCHW, 4, {3, 6, 5, 7}, 0, 0, E},
    {EK_NORM_INSTANCE, NCHW, 3, {2, 2, 20000}, 0, 0, E},
    {EK_NORM_INSTANCE, NHWC, 4, {3, 66, 5, 7}, 0, 0, E},
    {EK_NORM_INSTANCE, B8, 4, {3, 10, 5, 7}, 0, 0, E},
    {EK_NORM_INSTANCE, B16, 5, {2, 20, 5, 3, 2}, 0, 0, E},
    {EK_NORM_GROUP, NCHW, 2, {7, 20}, 0, 4, E},
    {EK_NORM_GROUP, NCHW, 4, {3, 20, 5, 7}, 0, 5, E},
    {EK_NORM_GROUP, NCHW, 4, {2, 4, 100, 101}, 0, 2, E},
    {EK_NORM_GROUP, NCHW, 4, {1, 2, 150, 130}, 0, 1, E},
    {EK_NORM_GROUP, NHWC, 4, {3, 20, 5, 7}, 0, 5, E},
    {EK_NORM_GROUP, NHWC, 2, {7, 20}, 0, 4, E},
    {EK_NORM_GROUP, NHWC, 4, {2, 6, 70, 61}, 0, 2, E},
    {EK_NORM_GROUP, B8, 4, {3, 20, 5, 7}, 0, 5, E},
    {EK_NORM_GROUP, B16, 4, {3, 10, 5, 7}, 0, 2, E},
    {EK_NORM_GROUP, B16, 4, {2, 20, 70, 61}, 0, 2, E},
    {EK_NORM_LAYER, NCHW, 1, {37}, 0, 0, E},
    {EK_NORM_LAYER, NCHW, 2, {300, 67}, -1, 0, E},
    {EK_NORM_LAYER, NCHW, 3, {4, 9, 130}, 2, 0, E},
    {EK_NORM_LAYER, NCHW, 4, {3, 6, 5, 7}, 1, 0, E},
    {EK_NORM_LAYER, NCHW, 4, {3, 6, 5, 7}, 0, 0, E},
    {EK_NORM_LAYER, NCHW, 5, {3, 6, 2, 5, 7}, -2, 0, E},
    {EK_NORM_LAYER, NCHW, 2, {3, 40000}, 1, 0, E},
    {EK_NORM_LAYER, NCHW, 8, {2, 1, 3, 2, 1, 2, 3, 5}, 5, 0, E},
    {EK_NORM_LAYER, NCHW, 4, {3, 6, 5, 7}, 1, 0, C},
    {EK_NORM_LAYER, NHWC, 4, {3, 6, 5, 7}, 1, 0, C},
    {EK_NORM_LAYER, B16, 4, {3, 20, 5, 7}, 1, 0, C},
    {EK_NORM_LAYER, NCHW, 2, {9, 33}, 1, 0, C},
    {EK_NORM_RMS, NCHW, 2, {70, 65}, -1, 0, E},
    {EK_NORM_RMS, NCHW, 3, {4, 9, 130}, 1, 0, E},
    {EK_NORM_RMS, NCHW, 2, {2, 33000}, 1, 0, E},
    {EK_NORM_RMS, NCHW, 4, {3, 6, 5, 7}, 1, 0, C},
    {EK_NORM_RMS, B8, 4, {3, 10, 5, 7}, 1, 0, C},
    {EK_NORM_RMS, NHWC, 3, {3, 10, 5}, 1, 0, C},
};
size_t all_shapes_count, listed_shapes_count;

#undef E
#undef C

__attribute__((constructor)) static void complete_all_shapes(void) {
    while (all_shapes[listed_shapes_count].rank > 0) listed_shapes_count++;
    all_shapes_count = shapes_complete(all_shapes, MOST_SHAPES);
}

static int is_like(const shape *s, ek_norm_kind kind) {
    const eki_ref_kind *of = eki_ref_kind_of((int)kind), *its = eki_ref_kind_of((int)s->kind);
    return of != NULL && its != NULL && of->share == its->share;
}

static const shape *first_of(const shape *shapes, size_t count, ek_norm_kind kind) {
    for (size_t i = 0; i < count; i++) {
        if (shapes[i].kind == kind) return &shapes[i];
    }
    return NULL;
}

size_t shapes_complete(shape *shapes, size_t room) {
    size_t listed = 0, count;
    while (listed < room && shapes[listed].rank > 0) listed++;
    count = listed;
    for (ek_norm_kind kind = EK_NORM_BATCH; ek_norm_kind_name(kind) != NULL; kind = (ek_norm_kind)(kind + 1)) {
        if (first_of(shapes, listed, kind) != NULL) continue;
        const shape *like = NULL;
        for (size_t i = 0; i < listed; i++) {
            if (like == NULL && is_like(&shapes[i], kind)) like = &shapes[i];
            if (like == NULL || shapes[i].kind != like->kind || count == room) continue;
            shapes[count] = shapes[i];
            shapes[count++].kind = kind;
        }
    }
    return count;
}

const eki_ref_kind *reference_of(ek_norm_kind kind) {
    const eki_ref_kind *reference = eki_ref_kind_of((int)kind);
    if (reference == NULL) fail_msg("tests/support/norm_ref.c has no reference of kind %d", (int)kind);
    return reference;
}

ek_norm_desc shape_desc(const shape *s) {
    ek_norm_desc desc = ek_norm_desc_default(s->kind);
    desc.layout = s->layout;
    desc.rank = s->rank;
    memcpy(desc.dims, s->dims, sizeof desc.dims);
    desc.axis = s->axis;
    if (s->groups > 0) desc.groups = s->groups;
    desc.affine = s->affine;
    return desc;
}

const char *shape_text(const shape *s) {
    static char text[256];
    int used = snprintf(text, sizeof text, "%s layout %d axis %d groups %lld affine %d dims",
                        ek_norm_kind_name(s->kind), (int)s->layout, s->axis, (long long)s->groups, (int)s->affine);
    for (int i = 0; i < s->rank; i++) {
        used += snprintf(text + used, sizeof text - (size_t)used, " %lld", (long long)s->dims[i]);
    }
    return text;
}

static bool by_element(const ek_norm_desc *d) {
    return reference_of(d->kind)->share == EKI_REF_AXES && d->affine == EK_AFFINE_ELEMENT;
}

static size_t product(const ek_norm_desc *d, int begin, int end) {
    size_t p = 1;
    for (int i = begin; i < end; i++) p *= (size_t)d->dims[i];
    return p;
}

size_t fixture_offset(const fixture *f, size_t i) {
    const ek_norm_desc *d = &f->desc;
    if (d->layout == EK_LAYOUT_NCHW) return i;
    size_t channels = (size_t)d->dims[1], space = product(d, 2, d->rank);
    size_t n = i / space / channels, c = i / space % channels, s = i % space;
    if (d->layout == EK_LAYOUT_NHWC) return (n * space + s) * channels + c;
    size_t block = (size_t)d->layout, blocks = (channels + block - 1) / block;
    return ((n * blocks + c / block) * space + s) * block + c % block;
}

static void index_element(fixture *f, size_t i) {
    const ek_norm_desc *d = &f->desc;
    if (by_element(d)) {
        int axis = d->axis < 0 ? d->axis + d->rank : d->axis;
        size_t length = product(d, axis, d->rank);
        f->set[i] = i / length;
        f->parameter[i] = i % length;
        return;
    }
    size_t channels = (size_t)d->dims[1], space = product(d, 2, d->rank);
    size_t n = i / space / channels, c = i / space % channels;
    eki_ref_share share = reference_of(d->kind)->share;
    size_t groups = share == EKI_REF_GROUPS ? (size_t)d->groups : share == EKI_REF_EACH ? channels : 1;
    f->parameter[i] = c;
    size_t ghost = d->ghost > 0 ? n / (size_t)d->ghost : 0;
    f->set[i] = share == EKI_REF_BATCH ? ghost * channels + c : n * groups + c / (channels / groups);
}

static size_t buffer_size(const fixture *f) {
    const ek_norm_desc *d = &f->desc;
    if (d->layout != EK_LAYOUT_BLOCKED8 && d->layout != EK_LAYOUT_BLOCKED16) return f->elements;
    size_t block = (size_t)d->layout, blocks = ((size_t)d->dims[1] + block - 1) / block;
    return (size_t)d->dims[0] * blocks * block * product(d, 2, d->rank);
}

static float *floats(size_t n) { return eki_alloc(eki_size_of(n + 1, sizeof(float))); }
static double *doubles(size_t n) { return eki_alloc(eki_size_of(n + 1, sizeof(double))); }

static void allocate(fixture *f) {
    size_t n = f->elements, b = f->buffer, p = f->parameters, s = f->sets;
    float **buffers[] = {&f->x, &f->y, &f->dy, &f->dx, &f->residual, &f->dresidual};
    double **logical[] = {&f->rx, &f->ry, &f->rdy, &f->rdx, &f->rresidual, &f->rdresidual};
    for (int i = 0; i < 6; i++) {
        *buffers[i] = floats(b);
        *logical[i] = doubles(n);
    }
    float **parameters[] = {&f->scale, &f->bias, &f->dscale, &f->dbias, &f->running_mean, &f->running_var};
    for (int i = 0; i < 6; i++) *parameters[i] = floats(p);
    double **references[] = {&f->rscale, &f->rbias, &f->rdscale, &f->rdbias};
    for (int i = 0; i < 4; i++) *references[i] = doubles(p);
    f->mean = floats(s);
    f->var = floats(s);
    f->rmean = doubles(s);
    f->rvar = doubles(s);
}

/* Mean 0, deviation 1, bounded; cheaper than a normal number. */
static double noise(eki_random r, uint64_t i) { return 3.4641016151377544 * (eki_random_uniform(r, i) - 0.5); }

static void randomize(fixture *f, uint64_t seed, double offset, double spread) {
    eki_random r = eki_random_stream(seed, "norm", f->elements, f->sets);
    for (size_t i = 0; i < f->buffer; i++) f->x[i] = f->dy[i] = f->residual[i] = NAN;
    for (size_t i = 0; i < f->elements; i++) {
        size_t at = fixture_offset(f, i);
        f->x[at] = (float)(offset + spread * (noise(r, 2 * i) + 0.3 * (double)(f->set[i] % 5)));
        f->residual[at] = (float)noise(r, 3000000000u + i);
        f->dy[at] = (float)(noise(r, 2 * i + 1) + 0.1 * (double)(i % 13));
    }
    for (size_t p = 0; p < f->parameters; p++) {
        uint64_t at = 2 * f->elements + 4 * p;
        f->scale[p] = (float)(1 + 0.5 * noise(r, at));
        f->bias[p] = (float)noise(r, at + 1);
        f->running_mean[p] = (float)(offset + spread * noise(r, at + 2));
        f->running_var[p] = (float)(spread * spread * (0.5 + eki_random_uniform(r, at + 3)));
    }
}

void fixture_sync(fixture *f) {
    for (size_t i = 0; i < f->elements; i++) {
        f->rx[i] = (double)f->x[fixture_offset(f, i)];
        f->rresidual[i] = (double)f->residual[fixture_offset(f, i)];
        f->rdy[i] = (double)f->dy[fixture_offset(f, i)];
    }
    for (size_t p = 0; p < f->parameters; p++) {
        f->rscale[p] = (double)f->scale[p];
        f->rbias[p] = (double)f->bias[p];
    }
}

static void set_args(fixture *f) {
    f->args = (ek_norm_args){.struct_size = sizeof f->args, .x = f->x, .y = f->y, .scale = f->scale, .bias = f->bias};
    f->args.mean = f->mean;
    f->args.var = f->var;
    f->args.dy = f->dy;
    f->args.dx = f->dx;
    f->args.dscale = f->dscale;
    f->args.dbias = f->dbias;
    if (f->desc.residual) f->args.residual = f->residual;
    if (f->desc.residual) f->args.dresidual = f->dresidual;
    if (reference_of(f->desc.kind)->share == EKI_REF_BATCH) {
        f->args.running_mean = f->running_mean;
        f->args.running_var = f->running_var;
    }
    f->args.saved = eki_alloc(eki_sized(ek_norm_saved_bytes(f->plan)));
    f->args.workspace = eki_alloc(eki_sized(ek_norm_workspace_bytes(f->plan)));
}

fixture *fixture_make(const ek_norm_desc *desc, uint64_t seed, double offset, double spread) {
    fixture *f = calloc(1, sizeof *f);
    ek_error err;
    err.text[0] = '\0';
    f->desc = *desc;
    if (ek_norm_plan_create(desc, &f->plan, &err) != EK_OK) fail_msg("%s", err.text);
    int axis = desc->axis < 0 ? desc->axis + desc->rank : desc->axis;
    f->elements = product(desc, 0, desc->rank);
    f->parameters = by_element(desc) ? product(desc, axis, desc->rank) : (size_t)desc->dims[1];
    f->sets = (size_t)ek_norm_sets(f->plan);
    f->buffer = buffer_size(f);
    f->set = calloc(f->elements + 1, sizeof(size_t));
    f->parameter = calloc(f->elements + 1, sizeof(size_t));
    for (size_t i = 0; i < f->elements; i++) index_element(f, i);
    allocate(f);
    randomize(f, seed, offset, spread);
    fixture_sync(f);
    set_args(f);
    return f;
}

void fixture_free(fixture *f) {
    void *all[] = {f->x,        f->y,         f->dy,           f->dx,        f->scale,      f->bias,
                   f->dscale,   f->dbias,     f->running_mean, f->rx,        f->ry,         f->rdy,
                   f->rdx,      f->mean,      f->var,          f->rmean,     f->rvar,       f->running_var,
                   f->rscale,   f->rbias,     f->rdscale,      f->rdbias,    f->args.saved, f->args.workspace,
                   f->residual, f->dresidual, f->rresidual,    f->rdresidual};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) eki_free(all[i]);
    free(f->set);
    free(f->parameter);
    ek_norm_plan_destroy(f->plan);
    free(f);
}

static void poison(float *a, size_t n) {
    for (size_t i = 0; i < n; i++) a[i] = 777.0f;
}

static void expect_ok(ek_status status, const ek_error *err) {
    if (status != EK_OK) fail_msg("%s: %s", ek_status_name(status), err->text);
}

void fixture_forward(fixture *f, ek_norm_stats stats) {
    ek_error err;
    if (f->args.y == f->y) poison(f->y, f->buffer);
    memset(f->args.workspace, 0xff, ek_norm_workspace_bytes(f->plan));
    if (f->args.saved != NULL) memset(f->args.saved, 0xff, ek_norm_saved_bytes(f->plan));
    expect_ok(ek_norm_forward(f->plan, stats, &f->args, &err), &err);
}

void fixture_backward(fixture *f) {
    ek_error err;
    if (f->args.dx == f->dx) poison(f->dx, f->buffer);
    if (f->args.dresidual == f->dresidual) poison(f->dresidual, f->buffer);
    poison(f->dscale, f->parameters);
    poison(f->dbias, f->parameters);
    memset(f->args.workspace, 0xff, ek_norm_workspace_bytes(f->plan));
    expect_ok(ek_norm_backward(f->plan, &f->args, &err), &err);
}

void fixture_reference(fixture *f, ek_norm_stats stats, double sign) {
    eki_ref_norm norm = {.elements = f->elements,
                         .sets = f->sets,
                         .parameters = f->parameters,
                         .set = f->set,
                         .parameter = f->parameter,
                         .centred = reference_of(f->desc.kind)->centred,
                         .epsilon = f->desc.epsilon,
                         .activation = (int)f->desc.activation,
                         .alpha = f->desc.activation_alpha,
                         .beta = f->desc.activation_beta,
                         .residual = f->desc.residual ? f->rresidual : NULL};
    eki_ref_moments(&norm, f->rx, f->rmean, f->rvar);
    if (stats == EK_STATS_RUNNING) {
        for (size_t s = 0; s < f->sets; s++) {
            f->rmean[s] = (double)f->running_mean[s % f->parameters];
            f->rvar[s] = (double)f->running_var[s % f->parameters];
        }
        norm.mean = f->rmean;
        norm.var = f->rvar;
    }
    const double *scale = f->args.scale != NULL ? f->rscale : NULL, *bias = f->args.bias != NULL ? f->rbias : NULL;
    eki_ref_forward(&norm, f->rx, scale, bias, f->ry);
    eki_ref_before(&norm, f->rx, scale, bias, f->rdy, f->rdresidual);
    eki_ref_backward(&norm, f->rx, scale, f->rdresidual, sign, f->rdx, f->rdscale, f->rdbias);
}

static double ratio(double worst, double largest) { return largest > 0 ? worst / largest : worst; }

double fixture_error(const fixture *f, const float *buffer, const double *reference) {
    double worst = 0, largest = 0;
    for (size_t i = 0; i < f->elements; i++) {
        double error = fabs((double)buffer[fixture_offset(f, i)] - reference[i]);
        if (!(error <= worst)) worst = error;
        if (fabs(reference[i]) > largest) largest = fabs(reference[i]);
    }
    return ratio(worst, largest);
}

double array_error(const float *a, const double *b, size_t n) {
    double worst = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        double error = fabs((double)a[i] - b[i]);
        if (!(error <= worst)) worst = error;
        if (fabs(b[i]) > largest) largest = fabs(b[i]);
    }
    return ratio(worst, largest);
}

int same_bits(const float *a, const float *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (isnan(a[i]) && isnan(b[i])) continue;
        if (memcmp(a + i, b + i, sizeof *a) != 0) return 0;
    }
    return 1;
}

float *copy_of(const float *a, size_t n) {
    float *copy = floats(n);
    memcpy(copy, a, n * sizeof *a);
    return copy;
}

size_t shape_step(void) { return getenv("EK_TEST_SHORT") != NULL ? 7 : 1; }
