/* test_norm_catalogue.c: the catalogue of errors that a normalization library must name, one row per number: what
 * provokes it here and the words its text must have, or why it cannot happen in this library. Each row that can happen
 * is provoked; test_norm_errors.c and test_norm_sync_errors.c have the variants.
 */
#include "norm/spread.h"

#include <cmocka.h>
#include <evenkeel/cpu.h>
#include <evenkeel/moments.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static ek_error err;

static ek_norm_desc good(ek_norm_kind kind) {
    ek_norm_desc desc = ek_norm_desc_default(kind);
    desc.rank = 3;
    desc.dims[0] = 4, desc.dims[1] = 6, desc.dims[2] = 5;
    return desc;
}

static ek_status create(ek_norm_desc desc) {
    ek_norm_plan *plan;
    ek_status status = ek_norm_plan_create(&desc, &plan, &err);
    ek_norm_plan_destroy(plan);
    return status;
}

static ek_status shape_rank(void) {
    ek_norm_desc d = good(EK_NORM_BATCH);
    d.rank = 1;
    return create(d);
}
static ek_status shape_groups(void) {
    ek_norm_desc d = good(EK_NORM_GROUP);
    d.groups = 4;
    return create(d);
}
static ek_status shape_axis(void) {
    ek_norm_desc d = good(EK_NORM_LAYER);
    d.axis = 3;
    return create(d);
}
static ek_status no_channels(void) {
    ek_norm_desc d = good(EK_NORM_BATCH);
    d.dims[1] = 0;
    return create(d);
}
static ek_status epsilon(void) {
    ek_norm_desc d = good(EK_NORM_BATCH);
    d.epsilon = -1e-5;
    return create(d);
}
static ek_status momentum(void) {
    ek_norm_desc d = good(EK_NORM_BATCH);
    d.momentum = 1.1;
    return create(d);
}
static ek_status dtype(void) {
    ek_norm_desc d = good(EK_NORM_BATCH);
    d.dtype = EK_I8;
    return create(d);
}
static ek_status layout(void) {
    ek_norm_desc d = good(EK_NORM_BATCH);
    d.layout = (ek_layout)3;
    return create(d);
}
static ek_status too_many(void) {
    ek_norm_desc d = good(EK_NORM_BATCH);
    d.dims[0] = INT64_MAX / 8;
    return create(d);
}
static ek_status fusion(void) {
    ek_norm_desc d = good(EK_NORM_BATCH);
    d.activation = EK_ACTIVATION_CLIP;
    d.activation_alpha = 6;
    return create(d);
}
static void *nothing(void *context, size_t bytes) {
    (void)context, (void)bytes;
    return NULL;
}
static void ignore(void *context, void *pointer) { (void)context, (void)pointer; }
static ek_status memory(void) {
    ek_norm_desc d = good(EK_NORM_BATCH);
    d.allocator = (ek_allocator){NULL, nothing, ignore};
    return create(d);
}
static ek_status version(void) {
    struct {
        ek_norm_desc known;
        uint64_t later;
    } d = {good(EK_NORM_BATCH), 1};
    d.known.struct_size = sizeof d;
    ek_norm_plan *plan;
    return ek_norm_plan_create(&d.known, &plan, &err);
}

/* Calls of a good plan with one thing wrong. */
typedef ek_status (*call)(fixture *f);
static ek_status with_fixture(ek_norm_desc desc, call wrong) {
    fixture *f = fixture_make(&desc, 3, 0, 1);
    ek_status status = wrong(f);
    fixture_free(f);
    return status;
}

static ek_status forward(fixture *f) { return ek_norm_forward(f->plan, EK_STATS_BATCH, &f->args, &err); }
static ek_status inference(fixture *f) { return ek_norm_forward(f->plan, EK_STATS_RUNNING, &f->args, &err); }
static ek_status backward(fixture *f) { return ek_norm_backward(f->plan, &f->args, &err); }

static ek_status small_sample(void) {
    ek_norm_desc d = good(EK_NORM_BATCH);
    d.dims[0] = d.dims[2] = 1;
    d.small_sample = EK_SMALL_ERROR;
    return with_fixture(d, forward);
}
static ek_status negative(fixture *f) {
    f->running_var[2] = -0.5f;
    return inference(f);
}
static ek_status var_negative(void) { return with_fixture(good(EK_NORM_BATCH), negative); }
static ek_status nan_moments(fixture *f) {
    ek_moments moments[6];
    f->x[5 * 3] = NAN; /* channel 3 of the first example */
    fixture_forward(f, EK_STATS_BATCH);
    return ek_norm_batch_moments(f->plan, f->args.saved, moments, &err);
}
static ek_status nonfinite_input(void) { return with_fixture(good(EK_NORM_BATCH), nan_moments); }
static ek_status nan_running(fixture *f) {
    fixture_forward(f, EK_STATS_BATCH);
    f->running_mean[4] = INFINITY;
    return ek_norm_update_running(f->plan, f->args.saved, f->running_mean, f->running_var, NULL, &err);
}
static ek_status nonfinite_stats(void) { return with_fixture(good(EK_NORM_BATCH), nan_running); }
static ek_status overlap(fixture *f) {
    f->args.y = f->x + 1;
    return forward(f);
}
static ek_status alias(void) { return with_fixture(good(EK_NORM_BATCH), overlap); }
static ek_status no_mean(fixture *f) {
    f->args.running_mean = NULL;
    return inference(f);
}
static ek_status no_running(void) { return with_fixture(good(EK_NORM_BATCH), no_mean); }
static ek_status too_early(fixture *f) {
    memset(f->args.saved, 0, ek_norm_saved_bytes(f->plan));
    return backward(f);
}
static ek_status state_order(void) { return with_fixture(good(EK_NORM_BATCH), too_early); }
static ek_status unaligned(fixture *f) {
    f->args.workspace = (char *)f->args.workspace + 4;
    ek_status status = forward(f);
    f->args.workspace = (char *)f->args.workspace - 4;
    return status;
}
static ek_status workspace(void) { return with_fixture(good(EK_NORM_BATCH), unaligned); }
static ek_status isa(void) { return ek_cpu_set_isa("avx9", &err); }

/* Two ranks, of which the second is changed. */
typedef void (*change)(spread *s);
static ek_status two_ranks(int64_t examples, ek_small_sample policy, change wrong) {
    const int64_t counts[] = {examples, 0};
    ek_norm_desc d = good(EK_NORM_BATCH);
    d.dims[0] = examples, d.dims[2] = 1;
    d.small_sample = policy;
    spread s;
    int done;
    spread_make(&s, &d, EK_SYNC_FAST, 2, counts, WORLD_UP);
    if (wrong != NULL) wrong(&s);
    ek_status status = EK_OK;
    spread_rank *r = s.rank;
    for (int i = 0; i < 2 && status == EK_OK; i++) {
        status = ek_norm_sync_forward_start(r[i].plan, &r[i].sync, r[i].state, &r[i].args, &err);
    }
    if (status == EK_OK) status = ek_norm_sync_test(r->plan, r->state, &done, &err);
    if (status == EK_OK) status = ek_norm_sync_forward_finish(r->plan, r->state, &r->args, &err);
    spread_free(&s);
    return status;
}
static void other_layer(spread *s) { s->rank[1].sync.layer = 9; }
static void other_step(spread *s) { s->rank[1].sync.step = 18; }
static void lost(spread *s) { s->w.lost = 1; }
static ek_status dist_mismatch(void) { return two_ranks(4, EK_SMALL_BIASED, other_layer); }
static ek_status dist_timeout(void) { return two_ranks(4, EK_SMALL_BIASED, lost); }
static ek_status dist_uneven(void) { return two_ranks(4, EK_SMALL_BIASED, other_step); }
static ek_status dist_total_one(void) { return two_ranks(1, EK_SMALL_ERROR, NULL); }

typedef struct {
    int number;
    const char *name;
    ek_status (*provoke)(void); /* NULL: cannot happen here */
    ek_status status;
    const char *text; /* words of the text; or why it cannot happen */
} row;

static const row rows[] = {
    {1, "rank", shape_rank, EK_ERR_SHAPE, "desc.rank is 1, batch norm takes 2 to 5"},
    {2, "length of a parameter", NULL, EK_OK,
     "parameters are pointers of the length that the plan says; graphs check it"},
    {3, "groups", shape_groups, EK_ERR_SHAPE, "a divisor of the 6 channels"},
    {4, "axis", shape_axis, EK_ERR_SHAPE, "desc.axis is 3, expected -3 to 2"},
    {5, "one value per channel", small_sample, EK_ERR_SHAPE, "dims [1, 6, 1] leave one value per channel"},
    {6, "empty: an error for no channels alone", no_channels, EK_ERR_SHAPE, "the number of channels, is 0"},
    {7, "epsilon", epsilon, EK_ERR_ARG, "desc.epsilon is -1e-05"},
    {8, "momentum", momentum, EK_ERR_ARG, "which is 0.1 under EK_MOMENTUM_REPLACE"},
    {9, "negative variance", var_negative, EK_ERR_NONFINITE, "args.running_var[2] is -0.5"},
    {10, "input not finite", nonfinite_input, EK_ERR_NONFINITE, "in set 3, expected finite numbers"},
    {11, "statistics not finite", nonfinite_stats, EK_ERR_NONFINITE, "running_mean[4] is inf before the update"},
    {12, "gradient not finite", NULL, EK_OK, "passed on, as IEEE has it; the trainer looks at gradients"},
    {13, "data types", dtype, EK_ERR_DTYPE, "desc.dtype is 3, expected EK_F32 (1)"},
    {14, "statistics in 16 bits", NULL, EK_OK, "statistics are f32 whatever the data are"},
    {15, "layout", layout, EK_ERR_ARG, "desc.layout is 3, expected EK_LAYOUT_NCHW (0)"},
    {16, "layouts that differ", NULL, EK_OK, "a plan has one layout for all its tensors"},
    {17, "overlap", alias, EK_ERR_ARG, "args.y and args.x overlap: they are 4 bytes apart"},
    {18, "too many elements", too_many, EK_ERR_LIMIT, "does not fit this machine"},
    {19, "no running statistics", no_running, EK_ERR_ARG, "without running statistics use EK_STATS_BATCH"},
    {20, "statistics never updated", NULL, EK_OK, "the arrays are the caller's; `evenkeel inspect` finds such ones"},
    {21, "backward before forward", state_order, EK_ERR_STATE, "call it before ek_norm_backward()"},
    {22, "workspace", workspace, EK_ERR_ARG, "expected an address divisible by 64"},
    {23, "what is fused", fusion, EK_ERR_ARG, "expects low <= high"},
    {24, "update of a frozen layer", NULL, EK_OK,
     "frozen = not calling the update; test_norm_running has the switches"},
    {41, "ranks disagree", dist_mismatch, EK_ERR_DIST, "layer 3, step 17: rank 1 has layer 9, rank 0 has 3"},
    {42, "a rank does not answer", dist_timeout, EK_ERR_DIST, "layer 3, step 17: rank 1 did not answer"},
    {43, "uneven steps", dist_uneven, EK_ERR_DIST, "rank 1 has step 18, rank 0 has 17"},
    {44, "one value in all ranks", dist_total_one, EK_ERR_SHAPE, "all ranks together have one value per channel"},
    {47, "instruction set", isa, EK_ERR_ARG, "avx9"},
    {48, "memory", memory, EK_ERR_NOMEM, "out of memory"},
    {50, "version of a struct", version, EK_ERR_UNSUPPORTED,
     "link the library of the headers that are compiled against"},
};

static void every_row(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const row *r = &rows[i];
        if (r->provoke == NULL) {
            printf("%2d %s: not here: %s\n", r->number, r->name, r->text);
            continue;
        }
        memset(&err, 0, sizeof err);
        ek_status status = r->provoke();
        if (status != r->status || err.status != status) {
            fail_msg("%d %s: %s, expected %s: %s", r->number, r->name, ek_status_name(status),
                     ek_status_name(r->status), err.text);
        }
        if (strstr(err.text, r->text) == NULL) fail_msg("%d \"%s\" lacks \"%s\"", r->number, err.text, r->text);
    }
}

/* Row 6: everything that is empty and has channels is a legal no-op. */
static void empty_is_legal(void **state) {
    (void)state;
    for (int kind = 1; ek_norm_kind_name((ek_norm_kind)kind) != NULL; kind++) {
        for (int d = 0; d < 3; d += 2) {
            ek_norm_desc desc = good((ek_norm_kind)kind);
            desc.dims[d] = 0;
            fixture *f = fixture_make(&desc, 3, 0, 1);
            fixture_forward(f, EK_STATS_BATCH);
            fixture_backward(f);
            for (size_t p = 0; p < f->parameters; p++) assert_true(f->dscale[p] == 0 && f->dbias[p] == 0);
            fixture_free(f);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_row), cmocka_unit_test(empty_is_legal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
