/* test_bench.c: shapes, statistics, one measured case of each kind; and the peer's results against ours, for a bench
 * that compares different computations says nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bench/bench_internal.h"
#include "bench/peer_norm.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static void test_shapes(void **state) {
    (void)state;
    ek_bench_shape s;
    ek_error err;
    assert_int_equal(ek_bench_shape_parse(" group 16x256x28x28  groups=32 ", &s, &err), EK_OK);
    assert_int_equal(s.kind, EK_NORM_GROUP);
    assert_int_equal(s.rank, 4);
    assert_int_equal(s.dims[1], 256);
    assert_int_equal(s.groups, 32);
    assert_int_equal(ek_bench_shape_parse("layer 77", &s, &err), EK_OK);
    assert_int_equal(s.rank, 1);
    static const char *const bad[] = {"",
                                      "batch",
                                      "batch ",
                                      "bath 1x2",
                                      "batch 1x",
                                      "batch x2",
                                      "batch 1x0",
                                      "batch 1x-2",
                                      "batch 1 2",
                                      "batch 1x2 groups=2",
                                      "group 1x2 groups=",
                                      "group 1x2 groups=0",
                                      "batch 1x99999999999999999999",
                                      "batch 1x2x3x4x5x6x7x8x9"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(ek_bench_shape_parse(bad[i], &s, &err), EK_ERR_ARG);
        assert_non_null(strstr(err.text, "batch 16x64x56x56"));
    }
}

static void test_statistics(void **state) {
    (void)state;
    const double odd[] = {3, 1, 2}, even[] = {4, 1, 2, 3}, ones[] = {1, 1, 1, 1};
    assert_true(ekb_median(odd, 3) == 2.0);
    assert_true(ekb_median(even, 4) == 2.5);
    ekb_interval sharp = ekb_ratio_interval(ones, ones, 4), wide = ekb_ratio_interval(even, ones, 4);
    assert_true(sharp.median == 1.0 && sharp.low == 1.0 && sharp.high == 1.0);
    assert_true(wide.median == 2.5 && wide.low < 2.0 && wide.high > 3.0 && wide.low >= 1.0 && wide.high <= 4.0);
}

static void test_cases(void **state) {
    (void)state;
    static const char *const texts[] = {"batch 2x20x5x7",         "batch 8x33",       "layer 9x50",
                                        "group 2x6x4x4 groups=3", "instance 2x3x5x5", "rms 4x8x16"};
    static const ek_layout layouts[] = {EK_LAYOUT_NCHW, EK_LAYOUT_NHWC, EK_LAYOUT_BLOCKED8, EK_LAYOUT_BLOCKED16};
    ek_bench_options options = ek_bench_options_default();
    options.rounds = 3;
    options.seconds = 1e-6;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] * 12; i++) {
        ek_bench_shape s;
        ek_bench_result r;
        ek_layout layout = layouts[i / 3 % 4];
        ek_bench_phase phase = (ek_bench_phase)(i % 3);
        assert_int_equal(ek_bench_shape_parse(texts[i / 12], &s, NULL), EK_OK);
        bool rows = s.kind == EK_NORM_LAYER || s.kind == EK_NORM_RMS;
        ek_status status = ek_bench_norm(&s, layout, phase, &options, &r, NULL);
        assert_int_equal(status, rows && layout != EK_LAYOUT_NCHW ? EK_ERR_UNSUPPORTED : EK_OK);
        if (status != EK_OK) continue;
        assert_true(r.ours > 0 && r.copy > 0 && r.share > 0 && r.bytes > 0);
        bool compared = s.kind == EK_NORM_BATCH || s.kind == EK_NORM_LAYER;
        assert_int_equal(r.peer > 0, compared);
        if (compared) assert_true(r.low <= r.ratio && r.ratio <= r.high && r.low > 0 && r.peer_name[0] != '\0');
    }
}

static void test_copies(void **state) {
    (void)state;
    static float from[40000], to[40000 + 16];
    for (int i = 0; i < 40000; i++) from[i] = (float)i;
    static const size_t counts[] = {0, 1, 15, 16, 17, 1000, 16384, 39999};
    float *aligned = to + (64 - (uintptr_t)to % 64) % 64 / sizeof(float);
    for (size_t i = 0; i < 2 * sizeof counts / sizeof counts[0]; i++) {
        size_t count = counts[i / 2];
        memset(to, 0, sizeof to);
        (i % 2 ? ekb_copy_stream : ekb_copy_plain)(aligned, from, count, 2);
        assert_memory_equal(aligned, from, count * sizeof(float));
        assert_true(aligned[count] == 0.0f);
    }
}

enum { N = 3, C = 32, S = 20, COUNT = N * C * S };

typedef struct {
    float x[COUNT], dy[COUNT], scale[C], bias[C], y[COUNT], dx[COUNT], mean[N * S], var[N * S], dscale[C], dbias[C];
} tensors;

static void fill(tensors *t) {
    for (int i = 0; i < COUNT; i++) {
        t->x[i] = (float)(i * 37 % 101) * 0.02f - 0.7f;
        t->dy[i] = (float)(i * 53 % 97) * 0.02f - 1.0f;
    }
    for (int c = 0; c < C; c++) {
        t->scale[c] = 0.5f + 0.03f * (float)c;
        t->bias[c] = 0.1f * (float)c - 1.0f;
    }
}

static void run_peer(tensors *t, bool layer, ek_layout layout, ekb_peer_phase phase) {
    ekb_peer_norm_desc d = {
        .layer = layer, .layout = layout, .n = N, .c = C, .h = 4, .w = 5, .epsilon = 1e-5, .threads = 2};
    if (layer) {
        d.n = N * S;
        d.h = d.w = 1;
    }
    d.phase = phase;
    ekb_peer_norm_buffers b = {t->x, t->dy, t->scale, t->bias, t->y, t->dx, t->mean, t->var, t->dscale, t->dbias};
    ekb_peer_norm *peer;
    ek_error err = {0};
    if (ekb_peer_norm_create(&d, &b, &peer, &err) != EK_OK) fail_msg("%s", err.text);
    assert_int_equal(ekb_peer_norm_run(peer, &err), EK_OK);
    ekb_peer_norm_destroy(peer);
}

static void run_ours(tensors *t, bool layer, ek_layout layout) {
    static char saved[64 + 3 * 8 * N * S];
    static _Alignas(64) char workspace[1 << 18];
    ek_norm_desc d = ek_norm_desc_default(layer ? EK_NORM_LAYER : EK_NORM_BATCH);
    d.layout = layout;
    d.rank = layer ? 2 : 4;
    const int64_t dims[2][4] = {{N, C, 4, 5}, {N * S, C}};
    memcpy(d.dims, dims[layer], sizeof dims[layer]);
    ek_norm_plan *plan;
    ek_error err;
    assert_int_equal(ek_norm_plan_create(&d, &plan, &err), EK_OK);
    assert_true(ek_norm_saved_bytes(plan) <= sizeof saved && ek_norm_workspace_bytes(plan) <= sizeof workspace);
    ek_norm_args a = {.struct_size = sizeof a, .x = t->x, .y = t->y, .scale = t->scale, .bias = t->bias};
    a.saved = saved;
    a.workspace = workspace;
    a.dy = t->dy;
    a.dx = t->dx;
    a.dscale = t->dscale;
    a.dbias = t->dbias;
    assert_int_equal(ek_norm_forward(plan, EK_STATS_BATCH, &a, &err), EK_OK);
    assert_int_equal(ek_norm_backward(plan, &a, &err), EK_OK);
    ek_norm_plan_destroy(plan);
}

static void assert_near(const float *a, const float *b, size_t count) {
    for (size_t i = 0; i < count; i++) assert_true(fabsf(a[i] - b[i]) <= 2e-4f * (1.0f + fabsf(b[i])));
}

static void test_peer(void **state) {
    (void)state;
    static tensors ours, theirs;
    static const ek_layout layouts[] = {EK_LAYOUT_NCHW, EK_LAYOUT_NHWC, EK_LAYOUT_BLOCKED8, EK_LAYOUT_BLOCKED16};
    for (int i = 0; i < 5; i++) {
        bool layer = i == 4;
        ek_layout layout = layouts[layer ? 0 : i];
        fill(&ours);
        fill(&theirs);
        run_ours(&ours, layer, layout);
        run_peer(&theirs, layer, layout, EKB_PEER_TRAINING);
        assert_near(theirs.y, ours.y, COUNT);
        run_peer(&theirs, layer, layout, EKB_PEER_BACKWARD);
        assert_near(theirs.dx, ours.dx, COUNT);
        assert_near(theirs.dscale, ours.dscale, C);
        assert_near(theirs.dbias, ours.dbias, C);
        memset(theirs.y, 0, sizeof theirs.y);
        run_peer(&theirs, layer, layout, EKB_PEER_INFERENCE); /* with the statistics that training wrote */
        assert_near(theirs.y, ours.y, COUNT);
    }
}

/* One pass: norm with residual and ReLU, or nothing fused and the steps apart. */
static void run_fused(tensors *t, float *residual, float *dresidual, bool fused) {
    static char saved[64 + 3 * 8 * N * S];
    static _Alignas(64) char workspace[1 << 18];
    ek_norm_desc d = ek_norm_desc_default(EK_NORM_BATCH);
    d.rank = 3;
    d.dims[0] = N, d.dims[1] = C, d.dims[2] = S;
    d.residual = fused;
    d.activation = fused ? EK_ACTIVATION_RELU : EK_ACTIVATION_NONE;
    ek_norm_plan *plan;
    ek_error err;
    assert_int_equal(ek_norm_plan_create(&d, &plan, &err), EK_OK);
    ek_norm_args a = {.struct_size = sizeof a, .x = t->x, .y = t->y, .scale = t->scale, .bias = t->bias};
    a.saved = saved;
    a.workspace = workspace;
    a.residual = fused ? residual : NULL;
    assert_int_equal(ek_norm_forward(plan, EK_STATS_BATCH, &a, &err), EK_OK);
    if (!fused) {
        ekb_apart_add(t->y, t->y, residual, COUNT, 2);
        ekb_apart_relu(t->y, t->y, COUNT, 2);
        ekb_apart_slope(dresidual, t->dy, t->y, COUNT, 2);
    }
    a.dy = fused ? t->dy : dresidual;
    a.dresidual = fused ? dresidual : NULL;
    a.dx = t->dx;
    a.dscale = t->dscale;
    a.dbias = t->dbias;
    assert_int_equal(ek_norm_backward(plan, &a, &err), EK_OK);
    ek_norm_plan_destroy(plan);
}

static void test_fused(void **state) {
    (void)state;
    static tensors fused, apart;
    static float residual[COUNT], dresidual[2][COUNT];
    fill(&fused);
    fill(&apart);
    for (int i = 0; i < COUNT; i++) residual[i] = (float)(i * 29 % 83) * 0.03f - 1.2f;
    run_fused(&fused, residual, dresidual[1], true);
    run_fused(&apart, residual, dresidual[0], false);
    assert_memory_equal(fused.y, apart.y, sizeof fused.y);
    for (int i = 0; i < COUNT; i++) { /* the sign of a zero is free */
        assert_true(fused.dx[i] == apart.dx[i] && dresidual[0][i] == dresidual[1][i]);
    }
    ek_bench_shape s;
    ek_bench_result r;
    ek_error err;
    ek_bench_options options = {.rounds = 2, .threads = 2, .seconds = 1e-6, .dtype = EK_F32, .fused = 1};
    assert_int_equal(ek_bench_shape_parse("batch 2x20x5x7", &s, NULL), EK_OK);
    for (int phase = 0; phase < 3; phase++) {
        assert_int_equal(ek_bench_norm(&s, EK_LAYOUT_BLOCKED16, (ek_bench_phase)phase, &options, &r, &err), EK_OK);
        assert_true(r.ours > 0 && r.peer > 0 && strcmp(r.peer_name, "apart") == 0);
        assert_true(r.bytes == (phase == EK_BENCH_BACKWARD ? 5.0 : 3.0) * 2 * 20 * 5 * 7 * 4);
    }
    options.dtype = EK_BF16;
    assert_int_equal(ek_bench_norm(&s, EK_LAYOUT_NCHW, EK_BENCH_TRAINING, &options, &r, &err), EK_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "fused"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes), cmocka_unit_test(test_statistics), cmocka_unit_test(test_cases),
        cmocka_unit_test(test_copies), cmocka_unit_test(test_peer),       cmocka_unit_test(test_fused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
