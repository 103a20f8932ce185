/* test_norm_errors.c: every error of norm.h and cpu.h: its status, and that the text names field, found and remedy. */
#include "norm/fixture.h"

#include <cmocka.h>
#include <evenkeel/cpu.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static ek_error err;

static void expect(ek_status status, ek_status expected, const char *part) {
    if (status != expected) fail_msg("%s, expected %s: %s", ek_status_name(status), ek_status_name(expected), err.text);
    assert_int_equal(err.status, expected);
    if (strstr(err.text, part) == NULL) fail_msg("\"%s\" does not contain \"%s\"", err.text, part);
    err.text[0] = '\0';
}

static ek_norm_desc good(ek_norm_kind kind) {
    ek_norm_desc desc = ek_norm_desc_default(kind);
    desc.rank = 4;
    desc.dims[0] = 2;
    desc.dims[1] = 6;
    desc.dims[2] = desc.dims[3] = 4;
    return desc;
}

static void refuse(const ek_norm_desc *desc, ek_status expected, const char *part) {
    ek_norm_plan *plan = (ek_norm_plan *)&err;
    ek_status status = ek_norm_plan_create(desc, &plan, &err);
    assert_null(plan);
    expect(status, expected, part);
    assert_int_equal(ek_norm_plan_create(desc, &plan, NULL), expected); /* err is optional */
}

#define REFUSE(kind, change, status, part)                                                                             \
    do {                                                                                                               \
        ek_norm_desc d = good(kind);                                                                                   \
        change;                                                                                                        \
        refuse(&d, status, part);                                                                                      \
    } while (0)

static void descriptor_fields(void **state) {
    (void)state;
    expect(ek_norm_plan_create(NULL, &(ek_norm_plan *){NULL}, &err), EK_ERR_ARG, "desc is NULL");
    ek_norm_desc fine = good(EK_NORM_BATCH);
    expect(ek_norm_plan_create(&fine, NULL, &err), EK_ERR_ARG, "plan is NULL");
    REFUSE(EK_NORM_BATCH, d.struct_size = 0, EK_ERR_ARG, "ek_norm_desc.struct_size is 0; set it to sizeof(ek_norm");
    REFUSE(EK_NORM_BATCH, d.struct_size = offsetof(ek_norm_desc, kind), EK_ERR_ARG,
           "desc.kind is 0"); /* all else is a default */
    REFUSE(EK_NORM_BATCH, d.struct_size = SIZE_MAX / 2, EK_ERR_ARG, "ek_norm_desc.struct_size is");
    REFUSE(EK_NORM_BATCH, d.reserved[3] = 1, EK_ERR_ARG, "desc.reserved[3]");
    REFUSE(EK_NORM_BATCH, d.kind = (ek_norm_kind)9, EK_ERR_ARG, "desc.kind is 9");
    REFUSE(EK_NORM_BATCH, d.kind = (ek_norm_kind)0, EK_ERR_ARG, "desc.kind is 0");
    REFUSE(EK_NORM_BATCH, d.layout = (ek_layout)2, EK_ERR_ARG, "desc.layout is 2");
    REFUSE(EK_NORM_BATCH, d.dtype = EK_I32, EK_ERR_DTYPE, "desc.dtype is 6");
    REFUSE(EK_NORM_LAYER, d.affine = (ek_norm_affine)5, EK_ERR_ARG, "desc.affine is 5");
    REFUSE(EK_NORM_BATCH, d.momentum_convention = (ek_momentum_convention)3, EK_ERR_ARG, "desc.momentum_convention");
    REFUSE(EK_NORM_BATCH, d.running_variance = (ek_running_variance)2, EK_ERR_ARG, "desc.running_variance is 2");
    REFUSE(EK_NORM_BATCH, d.small_sample = (ek_small_sample)4, EK_ERR_ARG, "desc.small_sample is 4");
    REFUSE(EK_NORM_BATCH, d.chunk = -1, EK_ERR_ARG, "desc.chunk is -1");
    REFUSE(EK_NORM_BATCH, d.parallel.threads = -2, EK_ERR_ARG, "desc.parallel.threads is -2");
    REFUSE(EK_NORM_BATCH, d.allocator.release = (void (*)(void *, void *))1, EK_ERR_ARG, "release but no alloc");
}

static void descriptor_numbers(void **state) {
    (void)state;
    const double bad_epsilon[] = {-1e-5, (double)NAN, (double)INFINITY}, bad_momentum[] = {-0.1, 1.1, (double)NAN};
    for (int i = 0; i < 3; i++) {
        REFUSE(EK_NORM_BATCH, d.epsilon = bad_epsilon[i], EK_ERR_ARG, "desc.epsilon is ");
        REFUSE(EK_NORM_BATCH, d.momentum = bad_momentum[i], EK_ERR_ARG, "desc.momentum is ");
    }
    REFUSE(EK_NORM_BATCH, d.momentum = 1.5, EK_ERR_ARG, "EK_MOMENTUM_REPLACE");
}

static void descriptor_shapes(void **state) {
    (void)state;
    REFUSE(EK_NORM_BATCH, d.rank = 0, EK_ERR_SHAPE, "desc.rank is 0, batch norm takes 2 to 5");
    REFUSE(EK_NORM_BATCH, d.rank = 1, EK_ERR_SHAPE, "[N, 1]");
    REFUSE(EK_NORM_BATCH, d.rank = 6, EK_ERR_SHAPE, "desc.rank is 6");
    REFUSE(EK_NORM_LAYER, d.rank = 9, EK_ERR_SHAPE, "layer norm takes 1 to 8");
    REFUSE(EK_NORM_BATCH, d.dims[2] = -4, EK_ERR_SHAPE, "desc.dims[2] is -4 in [2, 6, -4, 4]");
    REFUSE(EK_NORM_BATCH, d.dims[1] = 0, EK_ERR_SHAPE, "desc.dims[1], the number of channels, is 0");
    REFUSE(EK_NORM_BATCH, d.dims[0] = INT64_MAX, EK_ERR_LIMIT, "does not fit");
    REFUSE(EK_NORM_BATCH, d.dims[0] = INT64_C(1) << 53, EK_ERR_LIMIT, "does not fit");
    REFUSE(EK_NORM_BATCH, (d.dims[0] = INT64_MAX, d.dims[2] = 0), EK_ERR_LIMIT, "does not fit");
    REFUSE(EK_NORM_GROUP, d.groups = 0, EK_ERR_SHAPE, "desc.groups is 0");
    REFUSE(EK_NORM_GROUP, d.groups = 4, EK_ERR_SHAPE, "a divisor of the 6 channels in dims [2, 6, 4, 4]");
    REFUSE(EK_NORM_GROUP, d.groups = 12, EK_ERR_SHAPE, "desc.groups is 12");
    REFUSE(EK_NORM_LAYER, d.axis = 4, EK_ERR_SHAPE, "desc.axis is 4, expected -4 to 3");
    REFUSE(EK_NORM_RMS, d.axis = -5, EK_ERR_SHAPE, "desc.axis is -5");
    REFUSE(EK_NORM_LAYER, d.affine = EK_AFFINE_CHANNEL, EK_ERR_ARG, "needs axis 1");
    REFUSE(EK_NORM_LAYER, d.layout = EK_LAYOUT_NHWC, EK_ERR_ARG, "EK_LAYOUT_NCHW (0) only");
}

/* Sizes that a plan states are as large as what goes there, also where size_t has 32 bits: around the largest tensors
 * of any word size, a plan is refused, or its `saved` holds a double a set and its workspace `saved` and a partial
 * result a unit. */
static void sizes_do_not_wrap(void **state) {
    (void)state;
    const ek_dtype types[] = {EK_F32, EK_F64};
    int made = 0, refused = 0;
    for (unsigned i = 0; i < 2u * 5 * 4 * 48 * 3; i++) {
        int bits = 10 + (int)(i / 120 % 48), cut = (int)(i / 40 % 3) * bits / 2;
        ek_norm_desc d = ek_norm_desc_default((ek_norm_kind)(1 + i / 2 % 5));
        d.dtype = types[i % 2], d.layout = (const ek_layout[]){0, 1, 8, 16}[i / 10 % 4], d.rank = 2;
        if (d.layout != EK_LAYOUT_NCHW) d.axis = 1, d.affine = EK_AFFINE_CHANNEL;
        d.dims[0] = INT64_C(1) << cut, d.dims[1] = (INT64_C(1) << (bits - cut)) - (cut == 0);
        if (d.kind == EK_NORM_BATCH) d.renorm_r_max = 3, d.ghost = d.dims[0] > 1;
        d.masked = d.kind == EK_NORM_LAYER;
        ek_norm_plan *plan;
        ek_status status = ek_norm_plan_create(&d, &plan, &err);
        refused += status == EK_ERR_LIMIT, made += status == EK_OK;
        if (status == EK_ERR_LIMIT) continue;
        if (status != EK_OK) fail_msg("%s: %s", ek_status_name(status), err.text);
        uint64_t sets = (uint64_t)ek_norm_sets(plan), saved = ek_norm_saved_bytes(plan);
        uint64_t least = saved + sets * (d.kind == EK_NORM_BATCH ? 16 : 8);
        if (saved / 8 < sets || saved > PTRDIFF_MAX || ek_norm_workspace_bytes(plan) < least) {
            fail_msg("2^%d x 2^%d, kind %d: saved %zu, workspace %zu", cut, bits - cut, (int)d.kind, (size_t)saved,
                     ek_norm_workspace_bytes(plan));
        }
        ek_norm_plan_destroy(plan);
    }
    assert_true(made > 1000 && refused > 0);
}

/* Each extent that is forgotten is missed, in every kind and rank; one that is 0 is an empty tensor. */
static void forgotten_extents(void **state) {
    (void)state;
    for (int kind = EK_NORM_BATCH; kind <= EK_NORM_RMS; kind++) {
        int rows = kind == EK_NORM_LAYER || kind == EK_NORM_RMS;
        for (int rank = rows ? 1 : 2; rank <= (rows ? EK_NORM_MAX_RANK : 5); rank++) {
            for (int left_out = 0; left_out < rank; left_out++) {
                char text[64];
                ek_norm_desc d = ek_norm_desc_preset((ek_norm_kind)kind, (ek_norm_preset)(rank % 6));
                d.rank = rank;
                for (int i = 0; i < rank; i++) {
                    if (i != left_out) d.dims[i] = 2;
                }
                snprintf(text, sizeof text, "desc.dims[%d] is EK_EXTENT_UNSET", left_out);
                refuse(&d, EK_ERR_SHAPE, text);
                d.dims[left_out] = 0;
                if (left_out == 1 && !rows) continue; /* channels */
                fixture *f = fixture_make(&d, 1, 0, 1);
                fixture_forward(f, EK_STATS_BATCH);
                fixture_free(f);
            }
        }
    }
    REFUSE(EK_NORM_BATCH, d.rank = 5, EK_ERR_SHAPE, "in [2, 6, 4, 4, -1], but desc.rank is 5: set desc.dims[0] to [4]");
}

static void descriptor_fusion(void **state) {
    (void)state;
    REFUSE(EK_NORM_BATCH, d.activation = (ek_activation)10, EK_ERR_ARG, "desc.activation is 10");
    REFUSE(EK_NORM_BATCH, d.activation = (ek_activation)-1, EK_ERR_ARG, "desc.activation is -1");
    REFUSE(EK_NORM_BATCH, d.residual = 2, EK_ERR_ARG, "desc.residual is 2");
    REFUSE(EK_NORM_BATCH, d.activation_alpha = 0.1, EK_ERR_ARG, "desc.activation_alpha is 0.1, expected 0");
    REFUSE(EK_NORM_BATCH, (d.activation = EK_ACTIVATION_RELU, d.activation_beta = 6), EK_ERR_ARG,
           "desc.activation_beta is 6, expected 0");
    REFUSE(EK_NORM_BATCH, (d.activation = EK_ACTIVATION_CLIP, d.activation_alpha = 7), EK_ERR_ARG, "low <= high");
    REFUSE(EK_NORM_BATCH, (d.activation = EK_ACTIVATION_CLIP, d.activation_beta = (double)NAN), EK_ERR_ARG, "ReLU6");
    REFUSE(EK_NORM_BATCH, (d.activation = EK_ACTIVATION_LEAKY_RELU, d.activation_alpha = -0.1), EK_ERR_ARG,
           "a finite slope >= 0");
    REFUSE(EK_NORM_BATCH, (d.activation = EK_ACTIVATION_LEAKY_RELU, d.activation_beta = 1), EK_ERR_ARG,
           "desc.activation_beta is 1");
    REFUSE(EK_NORM_BATCH, (d.activation = EK_ACTIVATION_HARD_SIGMOID, d.activation_alpha = 1e300), EK_ERR_ARG,
           "such as 0.2 and 0.5");
}

/* An earlier caller's struct ends early: what it does not have is a default, whatever lies behind it. */
static void earlier_caller(void **state) {
    (void)state;
    ek_norm_desc desc = good(EK_NORM_BATCH);
    desc.activation = (ek_activation)77, desc.reserved[6] = 1;
    desc.struct_size = offsetof(ek_norm_desc, activation);
    fixture *f = fixture_make(&desc, 1, 0, 1), *whole;
    ek_norm_desc same = good(EK_NORM_BATCH);
    whole = fixture_make(&same, 1, 0, 1);
    f->args.residual = f->args.dresidual = &desc, f->args.reserved[0] = &desc;
    f->args.struct_size = offsetof(ek_norm_args, residual);
    assert_int_equal(ek_norm_forward(f->plan, EK_STATS_BATCH, &f->args, &err), EK_OK);
    assert_int_equal(ek_norm_backward(f->plan, &f->args, &err), EK_OK);
    assert_int_equal(ek_norm_forward(whole->plan, EK_STATS_BATCH, &whole->args, &err), EK_OK);
    assert_int_equal(ek_norm_backward(whole->plan, &whole->args, &err), EK_OK);
    assert_true(same_bits(f->y, whole->y, f->buffer) && same_bits(f->dx, whole->dx, f->buffer));
    fixture_free(whole);
    fixture_free(f);
}

/* A later caller's struct is longer: what this library does not know of it must be zero. */
static void later_caller(void **state) {
    (void)state;
    struct {
        ek_norm_desc known;
        uint64_t later;
    } desc = {good(EK_NORM_BATCH), 0};
    desc.known.struct_size = sizeof desc;
    fixture *f = fixture_make(&desc.known, 1, 0, 1);
    desc.later = 1;
    refuse(&desc.known, EK_ERR_UNSUPPORTED, "ek_norm_desc has a field set that this version does not know");
    struct {
        ek_norm_args known;
        void *later;
    } args = {f->args, NULL};
    args.known.struct_size = sizeof args;
    assert_int_equal(ek_norm_forward(f->plan, EK_STATS_BATCH, &args.known, &err), EK_OK);
    assert_int_equal(ek_norm_backward(f->plan, &args.known, &err), EK_OK);
    args.later = f;
    expect(ek_norm_forward(f->plan, EK_STATS_BATCH, &args.known, &err), EK_ERR_UNSUPPORTED, "ek_norm_args has a field");
    expect(ek_norm_backward(f->plan, &args.known, &err), EK_ERR_UNSUPPORTED, "ek_norm_args has a field set");
    fixture_free(f);
}

static void *no_memory(void *context, size_t bytes) {
    (void)context;
    (void)bytes;
    return NULL;
}
static void ignore(void *context, void *pointer) {
    (void)context;
    (void)pointer;
}

static void out_of_memory(void **state) {
    (void)state;
    REFUSE(EK_NORM_BATCH, d.allocator = ((ek_allocator){NULL, no_memory, ignore}), EK_ERR_NOMEM, "out of memory");
    ek_norm_plan_destroy(NULL);
}

static ek_status forward(const fixture *f, const ek_norm_args *args) {
    return ek_norm_forward(f->plan, EK_STATS_BATCH, args, &err);
}

#define FORWARD(f, change, status, part)                                                                               \
    do {                                                                                                               \
        ek_norm_args a = (f)->args;                                                                                    \
        change;                                                                                                        \
        expect(forward(f, &a), status, part);                                                                          \
    } while (0)

static void forward_pointers(void **state) {
    (void)state;
    ek_norm_desc desc = good(EK_NORM_BATCH);
    fixture *f = fixture_make(&desc, 1, 0, 1);
    expect(ek_norm_forward(NULL, EK_STATS_BATCH, &f->args, &err), EK_ERR_ARG, "plan is NULL");
    expect(ek_norm_forward(f->plan, EK_STATS_BATCH, NULL, &err), EK_ERR_ARG, "args is NULL");
    expect(ek_norm_forward(f->plan, (ek_norm_stats)2, &f->args, &err), EK_ERR_ARG, "stats is 2");
    FORWARD(f, a.struct_size = 3, EK_ERR_ARG, "ek_norm_args.struct_size is 3; set it to sizeof(ek_norm_args)");
    FORWARD(f, a.struct_size = 8, EK_ERR_ARG, "args.workspace is NULL"); /* all else is NULL */
    FORWARD(f, a.reserved[5] = &err, EK_ERR_ARG, "args.reserved[5]");
    FORWARD(f, a.x = NULL, EK_ERR_ARG, "args.x is NULL, but batch norm [2, 6, 4, 4]");
    FORWARD(f, a.y = NULL, EK_ERR_ARG, "args.y is NULL");
    FORWARD(f, a.workspace = NULL, EK_ERR_ARG, "args.workspace is NULL");
    FORWARD(f, a.workspace = (char *)a.workspace + 32, EK_ERR_ARG, "args.workspace is at");
    FORWARD(f, a.saved = (char *)a.saved + 4, EK_ERR_ARG, "args.saved is at");
    FORWARD(f, a.x = (const char *)a.x + 1, EK_ERR_ARG, "args.x is at");
    FORWARD(f, a.y = f->x + 3, EK_ERR_ARG, "args.y and args.x overlap: they are 12 bytes apart");
    fixture_free(f);
}

static void running_statistics(void **state) {
    (void)state;
    ek_norm_desc desc = good(EK_NORM_BATCH);
    fixture *f = fixture_make(&desc, 1, 0, 1);
    ek_norm_args a = f->args;
    a.running_mean = NULL;
    expect(ek_norm_forward(f->plan, EK_STATS_RUNNING, &a, &err), EK_ERR_ARG, "args.running_mean is NULL");
    a = f->args;
    a.running_var = NULL;
    expect(ek_norm_forward(f->plan, EK_STATS_RUNNING, &a, &err), EK_ERR_ARG, "args.running_var is NULL");
    const float bad[] = {-1e-3f, NAN, INFINITY};
    for (int i = 0; i < 3; i++) {
        f->running_var[4] = bad[i];
        expect(ek_norm_forward(f->plan, EK_STATS_RUNNING, &f->args, &err), EK_ERR_NONFINITE, "args.running_var[4] is");
        expect(forward(f, &(ek_norm_args){0}), EK_ERR_ARG, "ek_norm_args.struct_size is 0");
        assert_int_equal(forward(f, &f->args), EK_OK); /* batch statistics do not look at it */
    }
    fixture_free(f);
}

#define BACKWARD(f, change, status, part)                                                                              \
    do {                                                                                                               \
        ek_norm_args a = (f)->args;                                                                                    \
        change;                                                                                                        \
        expect(ek_norm_backward((f)->plan, &a, &err), status, part);                                                   \
    } while (0)

static void backward_pointers(void **state) {
    (void)state;
    ek_norm_desc desc = good(EK_NORM_GROUP);
    fixture *f = fixture_make(&desc, 1, 0, 1);
    memset(f->args.saved, 0, ek_norm_saved_bytes(f->plan));
    BACKWARD(f, (void)a, EK_ERR_STATE, "saved was not written by ek_norm_forward()");
    fixture_forward(f, EK_STATS_BATCH);
    BACKWARD(f, a.saved = NULL, EK_ERR_ARG, "saved is NULL");
    BACKWARD(f, a.x = NULL, EK_ERR_ARG, "args.x is NULL, but group norm");
    BACKWARD(f, a.dy = NULL, EK_ERR_ARG, "args.dy is NULL");
    BACKWARD(f, a.dx = f->x, EK_ERR_ARG, "args.dx and args.x overlap");
    BACKWARD(f, a.dx = f->dy + 1, EK_ERR_ARG, "args.dx and args.dy overlap");
    BACKWARD(f, a.dy = (char *)f->dy + 2, EK_ERR_ARG, "args.dy is at");
    fixture_free(f);
}

#define AGAIN(f, change, status, part)                                                                                 \
    do {                                                                                                               \
        ek_norm_args a = (f)->args;                                                                                    \
        change;                                                                                                        \
        expect(ek_norm_forward_again((f)->plan, &a, &err), status, part);                                              \
    } while (0)

static void again_pointers(void **state) {
    (void)state;
    ek_norm_desc desc = good(EK_NORM_BATCH);
    desc.residual = 1;
    fixture *f = fixture_make(&desc, 1, 0, 1);
    memset(f->args.saved, 0, ek_norm_saved_bytes(f->plan));
    AGAIN(f, (void)a, EK_ERR_STATE, "saved was not written by ek_norm_forward()");
    fixture_forward(f, EK_STATS_BATCH);
    AGAIN(f, a.saved = NULL, EK_ERR_ARG, "saved is NULL");
    AGAIN(f, a.x = NULL, EK_ERR_ARG, "args.x is NULL, but batch norm");
    AGAIN(f, a.y = NULL, EK_ERR_ARG, "args.y is NULL, but batch norm");
    AGAIN(f, a.residual = NULL, EK_ERR_ARG, "args.residual is NULL, but batch norm");
    AGAIN(f, a.workspace = NULL, EK_ERR_ARG, "args.workspace is NULL");
    AGAIN(f, a.y = f->x + 1, EK_ERR_ARG, "args.y and args.x overlap");
    AGAIN(f, a.saved = f->y, EK_ERR_ARG, "args.y and args.saved overlap");
    AGAIN(f, a.x = (char *)f->x + 2, EK_ERR_ARG, "args.x is at");
    expect(ek_norm_forward_again(NULL, &f->args, &err), EK_ERR_ARG, "plan is NULL");
    expect(ek_norm_forward_again(f->plan, NULL, &err), EK_ERR_ARG, "args is NULL");
    assert_int_equal(ek_norm_forward_again(f->plan, &f->args, &err), EK_OK);
    fixture_free(f);
}

static void fused_pointers(void **state) {
    (void)state;
    ek_norm_desc desc = good(EK_NORM_BATCH);
    fixture *f = fixture_make(&desc, 1, 0, 1);
    FORWARD(f, a.residual = f->residual, EK_ERR_ARG, "args.residual is given, but desc.residual is 0");
    fixture_forward(f, EK_STATS_BATCH);
    BACKWARD(f, a.dresidual = f->dresidual, EK_ERR_ARG, "args.dresidual is given, but desc.residual is 0");
    fixture_free(f);
    desc.residual = 1;
    desc.activation = EK_ACTIVATION_RELU;
    f = fixture_make(&desc, 1, 0, 1);
    FORWARD(f, a.residual = NULL, EK_ERR_ARG, "args.residual is NULL, but batch norm");
    FORWARD(f, a.residual = (char *)f->residual + 2, EK_ERR_ARG, "args.residual is at");
    FORWARD(f, a.y = f->residual + 1, EK_ERR_ARG, "args.y and args.residual overlap");
    fixture_forward(f, EK_STATS_BATCH);
    BACKWARD(f, a.y = NULL, EK_ERR_ARG, "backward reads the slope of the activation from the y");
    BACKWARD(f, a.dresidual = f->dx, EK_ERR_ARG, "args.dx and args.dresidual overlap");
    BACKWARD(f, a.dresidual = f->dy + 1, EK_ERR_ARG, "args.dresidual and args.dy overlap");
    BACKWARD(f, a.dresidual = f->x, EK_ERR_ARG, "args.dresidual and args.x overlap");
    BACKWARD(f, a.dx = f->y, EK_ERR_ARG, "args.dx and args.y overlap");
    BACKWARD(f, a.dresidual = (char *)f->dresidual + 1, EK_ERR_ARG, "args.dresidual is at");
    fixture_free(f);
    desc.activation = EK_ACTIVATION_GELU;
    f = fixture_make(&desc, 1, 0, 1);
    fixture_forward(f, EK_STATS_BATCH);
    BACKWARD(f, a.residual = NULL, EK_ERR_ARG, "args.residual is NULL");
    fixture_free(f);
}

/* `saved` of another plan, and the field that makes it another. An equal plan is no other plan. */
static void foreign_saved(void **state) {
    (void)state;
    ek_norm_desc desc = good(EK_NORM_BATCH);
    const struct {
        ek_norm_desc desc;
        const char *text;
    } other[] = {
        {good(EK_NORM_GROUP), "it is of group norm, the plan of batch norm; keep"},
        {desc, "its desc.dims are [3, 6, 4, 4], the plan's are [2, 6, 4, 4]; keep"},
        {desc, "its desc.epsilon is 0.001, the plan's is 1e-05; keep"},
        {desc, "its desc.small_sample is 1, the plan's is 0; keep"},
        {desc, "its desc.layout is 1, the plan's is 0; keep"},
        {desc, "its desc.ghost is 1, the plan's is 0; keep"},
        {desc, "it is with batch renorm (desc.renorm_r_max), the plan without; keep"},
        {desc, "its desc.activation is 1, the plan's is 0; keep"},
    };
    fixture *f = fixture_make(&desc, 1, 0, 1);
    for (int i = 0; i < 8; i++) {
        ek_norm_desc changed = other[i].desc;
        if (i == 1) changed.dims[0] = 3;
        if (i == 2) changed.epsilon = 1e-3;
        if (i == 3) changed.small_sample = EK_SMALL_SKIP_UPDATE;
        if (i == 4) changed.layout = EK_LAYOUT_NHWC;
        if (i == 5) changed.ghost = 1;
        if (i == 6) changed.renorm_r_max = 3;
        if (i == 7) changed.activation = EK_ACTIVATION_RELU;
        fixture *g = fixture_make(&changed, 1, 0, 1);
        fixture_forward(g, EK_STATS_BATCH);
        BACKWARD(f, a.saved = g->args.saved, EK_ERR_STATE, "saved is from a forward of another plan");
        BACKWARD(f, a.saved = g->args.saved, EK_ERR_STATE, other[i].text);
        ek_status status = ek_norm_update_running(f->plan, g->args.saved, f->running_mean, f->running_var, NULL, &err);
        expect(status, EK_ERR_STATE, "another plan");
        fixture_free(g);
    }
    fixture *twin = fixture_make(&desc, 1, 0, 1);
    fixture_forward(twin, EK_STATS_BATCH);
    memcpy(f->args.saved, twin->args.saved, ek_norm_saved_bytes(f->plan));
    fixture_backward(f);
    fixture_free(twin);
    fixture_free(f);
}

static void update_pointers(void **state) {
    (void)state;
    ek_norm_desc desc = good(EK_NORM_BATCH), group = good(EK_NORM_GROUP);
    fixture *f = fixture_make(&desc, 1, 0, 1), *g = fixture_make(&group, 1, 0, 1);
    fixture_forward(f, EK_STATS_BATCH);
    float *mean = f->running_mean, *var = f->running_var;
    void *saved = f->args.saved;
    expect(ek_norm_update_running(NULL, saved, mean, var, NULL, &err), EK_ERR_ARG, "plan is NULL");
    expect(ek_norm_update_running(g->plan, saved, mean, var, NULL, &err), EK_ERR_ARG, "plan is of group norm");
    expect(ek_norm_update_running(f->plan, NULL, mean, var, NULL, &err), EK_ERR_ARG, "saved is NULL");
    expect(ek_norm_update_running(f->plan, saved, NULL, var, NULL, &err), EK_ERR_ARG, "running_mean is NULL");
    expect(ek_norm_update_running(f->plan, saved, mean, NULL, NULL, &err), EK_ERR_ARG, "running_var is NULL");
    expect(ek_norm_update_running(f->plan, saved, mean, mean + 2, NULL, &err), EK_ERR_ARG, "overlap");
    mean[3] = NAN;
    expect(ek_norm_update_running(f->plan, saved, mean, var, NULL, &err), EK_ERR_NONFINITE, "running_mean[3] is nan");
    fixture_free(f);
    fixture_free(g);
}

static void instruction_sets(void **state) {
    (void)state;
    expect(ek_cpu_set_isa("sse9", &err), EK_ERR_ARG, "isa is \"sse9\", expected \"generic\"");
    assert_int_equal(ek_cpu_set_isa("generic", &err), EK_OK);
    assert_string_equal(ek_cpu_isa(), "generic");
    assert_int_equal(ek_cpu_set_isa(NULL, &err), EK_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptor_fields),  cmocka_unit_test(earlier_caller),    cmocka_unit_test(later_caller),
        cmocka_unit_test(descriptor_numbers), cmocka_unit_test(descriptor_shapes), cmocka_unit_test(sizes_do_not_wrap),
        cmocka_unit_test(forgotten_extents),  cmocka_unit_test(out_of_memory),     cmocka_unit_test(forward_pointers),
        cmocka_unit_test(running_statistics), cmocka_unit_test(backward_pointers), cmocka_unit_test(again_pointers),
        cmocka_unit_test(fused_pointers),     cmocka_unit_test(descriptor_fusion), cmocka_unit_test(foreign_saved),
        cmocka_unit_test(update_pointers),    cmocka_unit_test(instruction_sets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
