/* Are convolutions right (against naive f64 loops), and are their bits those the adapter promises? */
#include "base/half.h"
#include "base/memory.h"
#include "dnnl/dnnl_cases.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* n c o groups | in | kernel | stride | dilation | pads at the beginning | at the end */
static const char *const cases[] = {
    "2 3 16 1 | 9x9 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1",   /* first layer */
    "2 1 20 1 | 12x12 | 5x5 | 1x1 | 1x1 | 0x0 | 0x0", /* LeNet */
    "2 2 5 1 | 7x8 | 1x1 | 1x1 | 1x1 | 0x0 | 0x0",    /* few channels, 1x1 */
    "2 6 20 1 | 9x10 | 3x3 | 2x1 | 1x1 | 1x0 | 0x1",  /* asymmetric pads, mixed strides */
    "3 20 50 1 | 7x7 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1",  /* channels that fill no blocks */
    "2 16 32 1 | 8x8 | 3x3 | 2x2 | 1x1 | 1x1 | 1x1",
    "2 32 16 1 | 8x8 | 1x1 | 2x2 | 1x1 | 0x0 | 0x0",
    "2 16 16 1 | 12x12 | 3x3 | 1x1 | 2x3 | 2x3 | 2x3", /* dilation */
    "2 16 1 1 | 6x6 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1",    /* one output */
    "2 16 16 1 | 5x5 | 3x3 | 1x1 | 1x1 | 3x4 | 4x3",   /* pads wider than the kernel */
    "1 4 12 1 | 5x5 | 5x5 | 1x1 | 1x1 | 0x0 | 0x0",    /* a single output pixel */
    "2 20 20 20 | 8x8 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1",  /* depthwise */
    "2 32 32 32 | 9x8 | 3x3 | 2x2 | 1x1 | 0x1 | 1x1",
    "2 3 3 3 | 8x8 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1",
    "2 12 24 12 | 6x6 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1", /* depthwise, two outputs per channel */
    "2 64 64 4 | 6x6 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1",  /* groups that fill blocks */
    "2 24 24 4 | 6x6 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1",  /* and groups that do not */
    "2 40 20 10 | 6x6 | 3x3 | 2x2 | 1x1 | 1x1 | 1x1",
    "2 6 9 3 | 7x7 | 1x1 | 1x1 | 1x1 | 0x0 | 0x0",
    "2 6 10 1 | 20 | 5 | 2 | 1 | 2 | 1", /* one dimension */
    "2 1 8 1 | 20 | 3 | 1 | 2 | 2 | 2",
    "2 20 20 20 | 20 | 3 | 1 | 1 | 1 | 1",
    "2 3 8 1 | 5x6x7 | 3x3x3 | 1x1x1 | 1x1x1 | 1x1x1 | 1x1x1", /* three dimensions */
    "2 16 20 1 | 5x6x7 | 3x2x3 | 2x1x2 | 1x1x1 | 1x0x1 | 1x1x0",
};
enum { CASES = sizeof cases / sizeof cases[0] };

/* The tests run once more with bf16 tensors, where the processor has them. */
static bool half;
static int begin_half(void **state) {
    (void)state;
    half = true;
    return 0;
}
static int end_half(void **state) {
    (void)state;
    half = false;
    return 0;
}

static bool skips(void) { return half && !eki_dnnl_has_bf16(); }

static eki_conv_desc describe(const char *code) {
    eki_conv_desc desc = parse_conv(code);
    desc.bf16 = half;
    return desc;
}

/* oneDNN has compiled code for it, or the engine stays with f32. */
static bool is_there(const eki_conv_desc *desc) {
    eki_conv_desc d = *desc;
    eki_conv *conv = NULL;
    if (!half) return true;
    eki_conv_choose_layouts(&d, EK_LAYOUT_NCHW, eki_dnnl_block());
    bool there = eki_conv_create(&d, &conv, NULL) == EK_OK && eki_conv_is_compiled(conv);
    eki_conv_destroy(conv);
    return there;
}

/* What bf16 tensors hold. */
static void round_to_half(conv_data *data) {
    if (!half) return;
    eki_half_round(EK_BF16, data->src, (size_t)data->src_count);
    eki_half_round(EK_BF16, data->ddst, (size_t)data->dst_count);
    eki_half_round(EK_BF16, data->weights, (size_t)data->weight_count);
}

static void compare(const char *code, const conv_data *data, conv_result got, const conv_result *want) {
    const eki_conv_desc *d = &data->desc;
    double bound = half ? 0x1p-8 + 2e-5 : 2e-5; /* half a unit in the last place, and f32's sums */
    assert_close(got.dst, want->dst, data->dst_count, bound, code);
    assert_close(got.dsrc, want->dsrc, data->src_count, bound, code);
    assert_close(got.dweights, want->dweights, data->weight_count, 5e-5, code);
    if (d->bias) assert_close(got.dbias, want->dbias, d->o, 5e-5, code);
    free_result(&got);
}

static void check_case(const char *code, bool bias) {
    eki_conv_desc desc = describe(code);
    desc.bias = bias;
    if (!is_there(&desc)) return;
    conv_data data = make_conv(&desc, 11);
    round_to_half(&data);
    conv_result want = naive_conv(&data);
    compare(code, &data, run_conv(&data, true), &want);
    data.desc.src_layout = data.desc.dst_layout = EK_LAYOUT_NCHW;
    compare(code, &data, run_conv(&data, false), &want);
    data.desc.src_layout = data.desc.dst_layout = EK_LAYOUT_NHWC;
    compare(code, &data, run_conv(&data, false), &want);
    data.desc.reproducible = true;
    data.desc.chunk = 1;
    compare(code, &data, run_conv(&data, true), &want);
    data.desc.chunk = 64;
    compare(code, &data, run_conv(&data, true), &want);
    free_result(&want);
    free_conv(&data);
}

static void equals_naive_loops(void **state) {
    (void)state;
    if (skips()) skip();
    for (int i = 0; i < CASES; i++) {
        check_case(cases[i], true);
        check_case(cases[i], false);
    }
}

/* Images [first, first + n) of a batch, as data of its own. */
static conv_data part_of(const conv_data *all, int64_t first, int64_t n) {
    conv_data part = *all;
    int64_t src = all->src_count / all->desc.n, dst = all->dst_count / all->desc.n;
    part.desc.n = n;
    part.src_count = n * src;
    part.dst_count = n * dst;
    part.src = all->src + first * src;
    part.ddst = all->ddst + first * dst;
    return part;
}

static void bits_ignore_batch_position_threads(void **state) {
    (void)state;
    if (skips()) skip();
    static const int64_t sizes[] = {1, 1, 7, 7, 64}, firsts[] = {5, 63, 0, 20, 0};
    for (int i = 0; i < CASES; i++) {
        eki_conv_desc desc = describe(cases[i]);
        desc.n = 64;
        desc.threads = 1;
        desc.want_dw = false;
        if (!is_there(&desc)) continue;
        conv_data all = make_conv(&desc, 3);
        conv_result want = run_conv(&all, true);
        for (int k = 0; k < 15; k++) {
            conv_data part = part_of(&all, firsts[k / 3], sizes[k / 3]);
            part.desc.threads = k % 3 + 1;
            conv_result got = run_conv(&part, true);
            int64_t first = firsts[k / 3];
            assert_bits(got.dst, want.dst + first * (all.dst_count / 64), part.dst_count, cases[i]);
            assert_bits(got.dsrc, want.dsrc + first * (all.src_count / 64), part.src_count, cases[i]);
            free_result(&got);
        }
        free_result(&want);
        free_conv(&all);
    }
}

static void reproducible_gradients_ignore_threads(void **state) {
    (void)state;
    static const int64_t chunks[] = {1, 4, 5};
    if (skips()) skip();
    for (int i = 0; i < CASES; i++) {
        for (int k = 0; k < 3; k++) {
            eki_conv_desc desc = describe(cases[i]);
            if (!is_there(&desc)) continue;
            desc.n = 13;
            desc.threads = 1;
            desc.want_dx = false;
            desc.reproducible = true;
            desc.chunk = chunks[k];
            conv_data data = make_conv(&desc, 4);
            conv_result want = run_conv(&data, true);
            for (int threads = 2; threads <= 3; threads++) {
                data.desc.threads = threads;
                conv_result got = run_conv(&data, true);
                assert_bits(got.dweights, want.dweights, data.weight_count, cases[i]);
                assert_bits(got.dbias, want.dbias, desc.o, cases[i]);
                free_result(&got);
            }
            free_result(&want);
            free_conv(&data);
        }
    }
}

/* What dnnl_chunks.c says it computes, written as the recursion: chunks [first, first + width) of the batch. */
static void tree(const conv_data *all, int64_t first, int64_t width, double *sum) {
    int64_t count = all->weight_count, chunk = all->desc.chunk, begin = first * chunk;
    if (width > 1) {
        double *right = eki_alloc_zero(eki_size_of((size_t)count, sizeof *right));
        tree(all, first, width / 2, sum);
        if ((first + width / 2) * chunk < all->desc.n) {
            tree(all, first + width / 2, width / 2, right);
            for (int64_t i = 0; i < count; i++) sum[i] += right[i];
        }
        eki_free(right);
        return;
    }
    conv_data part = part_of(all, begin, chunk < all->desc.n - begin ? chunk : all->desc.n - begin);
    part.desc.reproducible = false;
    part.desc.threads = 1;
    conv_result one = run_conv(&part, true);
    for (int64_t i = 0; i < count; i++) sum[i] = (double)one.dweights[i];
    free_result(&one);
}

static void reproducible_gradients_are_the_documented_tree(void **state) {
    (void)state;
    static const int64_t batches[] = {1, 7, 16, 41}, chunks[] = {1, 2, 3};
    for (int i = 0; i < 12; i++) {
        eki_conv_desc desc = parse_conv("1 8 16 1 | 6x6 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1");
        desc.n = batches[i / 3];
        desc.chunk = chunks[i % 3];
        desc.reproducible = true;
        desc.want_dx = false;
        conv_data data = make_conv(&desc, 6);
        double *sum = eki_alloc_zero(eki_size_of((size_t)data.weight_count, sizeof *sum));
        tree(&data, 0, 64, sum);
        conv_result got = run_conv(&data, true);
        for (int64_t k = 0; k < data.weight_count; k++) assert_true(got.dweights[k] == (float)sum[k]);
        free_result(&got);
        eki_free(sum);
        free_conv(&data);
    }
}

static void an_empty_batch_does_nothing(void **state) {
    (void)state;
    eki_conv_desc desc = parse_conv("0 3 4 1 | 5x5 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1");
    conv_data data = make_conv(&desc, 1);
    conv_result got = run_conv(&data, true);
    for (int64_t i = 0; i < data.weight_count; i++) assert_true(got.dweights[i] == 0.0f);
    for (int64_t i = 0; i < desc.o; i++) assert_true(got.dbias[i] == 0.0f);
    free_result(&got);
    free_conv(&data);
}

/* Infinity reaches the outputs it feeds, but never the padding behind them (checked by run_conv). */
static void padding_stays_zero_with_infinite_data(void **state) {
    (void)state;
    eki_conv_desc desc = parse_conv("1 20 20 1 | 4x4 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1");
    conv_data data = make_conv(&desc, 1);
    data.src[0] = data.ddst[0] = HUGE_VALF;
    conv_result got = run_conv(&data, true);
    assert_false(got.dst[0] - got.dst[0] == 0.0f);
    free_result(&got);
    free_conv(&data);
}

static void most_cases_run_in_bf16(void **state) {
    (void)state;
    int there = 0;
    if (skips()) skip();
    for (int i = 0; i < CASES; i++) {
        eki_conv_desc desc = describe(cases[i]);
        there += is_there(&desc);
    }
    print_message("%d of %d cases have compiled code in bf16\n", there, (int)CASES);
    assert_true(there > CASES / 2);
}

static void wrong_descriptions_are_named(void **state) {
    (void)state;
    ek_error err = {.text = ""};
    eki_conv *conv = NULL;
    eki_conv_desc desc = parse_conv("1 6 6 1 | 5x5 | 3x3 | 1x1 | 1x1 | 1x1 | 1x1");
    desc.groups = 4;
    assert_int_equal(eki_conv_create(&desc, &conv, &err), EK_ERR_ARG);
    assert_null(conv);
    desc.groups = 1;
    desc.out[0] = 77;
    assert_int_not_equal(eki_conv_create(&desc, &conv, &err), EK_OK);
    assert_non_null(strstr(err.text, "N=1 C=6 O=6"));
    assert_non_null(strstr(err.text, "invalid_arguments"));
}

static void implementations_are_direct(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        eki_conv_desc desc = parse_conv(cases[i]);
        eki_conv *conv = NULL;
        eki_conv_choose_layouts(&desc, EK_LAYOUT_NCHW, eki_dnnl_block());
        assert_int_equal(eki_conv_create(&desc, &conv, NULL), EK_OK);
        if (getenv("EK_TEST_VERBOSE") != NULL) print_message("%-60s %s\n", cases[i], eki_conv_implementation(conv));
        assert_null(strstr(eki_conv_implementation(conv), "ref"));
        eki_conv_destroy(conv);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(implementations_are_direct),
        cmocka_unit_test(equals_naive_loops),
        cmocka_unit_test(bits_ignore_batch_position_threads),
        cmocka_unit_test(reproducible_gradients_ignore_threads),
        cmocka_unit_test(reproducible_gradients_are_the_documented_tree),
        cmocka_unit_test(an_empty_batch_does_nothing),
        cmocka_unit_test(padding_stays_zero_with_infinite_data),
        cmocka_unit_test(wrong_descriptions_are_named),
        cmocka_unit_test_setup_teardown(most_cases_run_in_bf16, begin_half, end_half),
        cmocka_unit_test_setup_teardown(equals_naive_loops, begin_half, end_half),
        cmocka_unit_test_setup_teardown(bits_ignore_batch_position_threads, begin_half, end_half),
        cmocka_unit_test_setup_teardown(reproducible_gradients_ignore_threads, begin_half, end_half),
    };
    print_message("oneDNN %s\n", eki_dnnl_describe());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
