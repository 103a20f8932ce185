/* Are products right (against f64 loops), and do the bits of a row ignore the other rows, its place and the threads? */
#include "base/memory.h"
#include "dnnl/dnnl_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct product_data {
    eki_product_desc desc;
    float *a, *b, *dc, *bias;
} product_data;

typedef struct product_result {
    float *c, *da, *db, *dbias;
} product_result;

static product_data make_product(const eki_product_desc *d) {
    return (product_data){*d, random_floats(d->m * d->k, 1), random_floats(d->k * d->n, 2),
                          random_floats(d->m * d->n, 3), random_floats(d->n, 4)};
}

static void free_product(product_data *p) {
    eki_free(p->a);
    eki_free(p->b);
    eki_free(p->dc);
    eki_free(p->bias);
}

static product_result new_result(const eki_product_desc *d) {
    return (product_result){random_floats(d->m * d->n, 9), random_floats(d->m * d->k, 9), random_floats(d->k * d->n, 9),
                            random_floats(d->n, 9)};
}

static void free_result_of(product_result *r) {
    eki_free(r->c);
    eki_free(r->da);
    eki_free(r->db);
    eki_free(r->dbias);
}

static product_result naive(const product_data *p) {
    const eki_product_desc *d = &p->desc;
    product_result r = new_result(d);
    int64_t row = d->b_transposed ? 1 : d->n, column = d->b_transposed ? d->k : 1;
    for (int64_t i = 0; i < d->m; i++) {
        for (int64_t j = 0; j < d->n; j++) {
            double sum = d->bias ? (double)p->bias[j] : 0.0;
            for (int64_t l = 0; l < d->k; l++) sum += (double)p->a[i * d->k + l] * (double)p->b[l * row + j * column];
            r.c[i * d->n + j] = (float)sum;
        }
        for (int64_t l = 0; l < d->k; l++) {
            double sum = 0.0;
            for (int64_t j = 0; j < d->n; j++) sum += (double)p->dc[i * d->n + j] * (double)p->b[l * row + j * column];
            r.da[i * d->k + l] = (float)sum;
        }
    }
    for (int64_t j = 0; j < d->n; j++) {
        double dbias = 0.0;
        for (int64_t i = 0; i < d->m; i++) dbias += (double)p->dc[i * d->n + j];
        r.dbias[j] = (float)dbias;
        for (int64_t l = 0; l < d->k; l++) {
            double sum = 0.0;
            for (int64_t i = 0; i < d->m; i++) sum += (double)p->a[i * d->k + l] * (double)p->dc[i * d->n + j];
            r.db[l * row + j * column] = (float)sum;
        }
    }
    return r;
}

static product_result run(const product_data *p) {
    const eki_product_desc *d = &p->desc;
    ek_error err = {.text = ""};
    eki_product *product;
    if (eki_product_create(d, &product, &err) != EK_OK) fail_msg("%s", err.text);
    product_result r = new_result(d);
    void *scratch = eki_alloc(eki_sized(eki_product_scratch_bytes(product)));
    void *prepared = eki_alloc(eki_sized(eki_product_prepared_bytes(product)));
    memset(scratch, 0xff, eki_product_scratch_bytes(product));
    const float *bias = d->bias ? p->bias : NULL;
    float *again = random_floats(d->m * d->n, 1);
    assert_int_equal(eki_product_forward(product, p->a, p->b, NULL, bias, r.c, scratch, &err), EK_OK);
    assert_int_equal(eki_product_prepare(product, p->b, prepared, &err), EK_OK);
    assert_int_equal(eki_product_forward(product, p->a, p->b, prepared, bias, again, scratch, &err), EK_OK);
    assert_bits(again, r.c, d->m * d->n, "prepared product");
    if (d->want_da) assert_int_equal(eki_product_backward_a(product, p->dc, p->b, r.da, scratch, &err), EK_OK);
    if (d->want_db) {
        float *dbias = d->bias ? r.dbias : NULL;
        assert_int_equal(eki_product_backward_b(product, p->a, p->dc, r.db, dbias, scratch, &err), EK_OK);
    }
    eki_free(again);
    eki_free(prepared);
    eki_free(scratch);
    eki_product_destroy(product);
    return r;
}

static const int64_t sizes[][2] = {{784, 100}, {100, 100}, {100, 10}, {64, 10},   {576, 64}, {576, 100},
                                   {20, 7},    {3, 5},     {1, 1},    {2048, 33}, {17, 200}};
enum { SIZES = sizeof sizes / sizeof sizes[0], ROWS = 131 };

static void check(const eki_product_desc *desc) {
    char name[96];
    (void)snprintf(name, sizeof name, "[%d,%d]x[%d,%d]%s%s", (int)desc->m, (int)desc->k, (int)desc->k, (int)desc->n,
                   desc->b_transposed ? " transposed" : "", desc->reproducible ? " in chunks" : "");
    product_data p = make_product(desc);
    product_result want = naive(&p), got = run(&p);
    assert_close(got.c, want.c, desc->m * desc->n, 1e-4, name);
    assert_close(got.da, want.da, desc->m * desc->k, 1e-4, name);
    assert_close(got.db, want.db, desc->k * desc->n, 1e-4, name);
    if (desc->bias) assert_close(got.dbias, want.dbias, desc->n, 1e-4, name);
    free_result_of(&want);
    free_result_of(&got);
    free_product(&p);
}

static void equals_naive_loops(void **state) {
    (void)state;
    for (int i = 0; i < SIZES * 8; i++) {
        eki_product_desc desc = {.m = i % 3 == 0 ? 1 : 60,
                                 .k = sizes[i / 8][0],
                                 .n = sizes[i / 8][1],
                                 .b_transposed = (i & 1) != 0,
                                 .bias = (i & 2) != 0,
                                 .want_da = true,
                                 .want_db = true,
                                 .threads = 2,
                                 .reproducible = (i & 4) != 0,
                                 .chunk = 8};
        check(&desc);
    }
}

static void bits_of_a_row_ignore_the_rest(void **state) {
    (void)state;
    static const int64_t counts[] = {1, 1, 2, 3, 5, 7, 13, 28, 29, 60, 64, 100};
    for (int i = 0; i < SIZES; i++) {
        eki_product_desc desc = {
            .m = ROWS, .k = sizes[i][0], .n = sizes[i][1], .bias = true, .want_da = true, .threads = 1};
        product_data all = make_product(&desc);
        product_result want = run(&all);
        for (int k = 0; k < 36; k++) {
            product_data part = all;
            int64_t first = k / 3 == 1 ? ROWS - 1 : k / 3 * 2;
            part.desc.m = counts[k / 3];
            part.desc.threads = k % 3 + 1;
            part.a += first * desc.k;
            part.dc += first * desc.n;
            product_result got = run(&part);
            assert_bits(got.c, want.c + first * desc.n, part.desc.m * desc.n, "row of C");
            assert_bits(got.da, want.da + first * desc.k, part.desc.m * desc.k, "row of dA");
            free_result_of(&got);
        }
        free_result_of(&want);
        free_product(&all);
    }
}

static void reproducible_gradients_ignore_threads(void **state) {
    (void)state;
    static const int64_t chunks[] = {1, 4, 7, 1000};
    for (int i = 0; i < SIZES * 4; i++) {
        eki_product_desc desc = {.m = 61,
                                 .k = sizes[i / 4][0],
                                 .n = sizes[i / 4][1],
                                 .bias = true,
                                 .want_db = true,
                                 .threads = 1,
                                 .reproducible = true,
                                 .chunk = chunks[i % 4]};
        product_data p = make_product(&desc);
        product_result want = run(&p);
        for (p.desc.threads = 2; p.desc.threads <= 3; p.desc.threads++) {
            product_result got = run(&p);
            assert_bits(got.db, want.db, desc.k * desc.n, "dB");
            assert_bits(got.dbias, want.dbias, desc.n, "dbias");
            free_result_of(&got);
        }
        free_result_of(&want);
        free_product(&p);
    }
}

static void empty_extents(void **state) {
    (void)state;
    eki_product_desc desc = {.m = 0, .k = 3, .n = 4, .bias = true, .want_da = true, .want_db = true, .threads = 2};
    product_data p = make_product(&desc);
    product_result r = run(&p);
    for (int i = 0; i < 12; i++) assert_true(r.db[i] == 0.0f);
    free_result_of(&r);
    free_product(&p);
    desc.m = 5;
    desc.k = 0;
    p = make_product(&desc);
    r = run(&p);
    for (int i = 0; i < 20; i++) assert_true(r.c[i] == p.bias[i % 4]); /* an empty sum, and the bias */
    free_result_of(&r);
    free_product(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_naive_loops),
        cmocka_unit_test(bits_of_a_row_ignore_the_rest),
        cmocka_unit_test(reproducible_gradients_ignore_threads),
        cmocka_unit_test(empty_extents),
    };
    print_message("oneDNN %s\n", eki_dnnl_describe());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
