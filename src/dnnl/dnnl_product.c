/* dnnl_product.c: products of matrices as 1x1 convolutions.
 *
 * A row-major matrix [M, K] is an image of one row, M pixels wide, with K channels last. oneDNN's 1x1 convolutions in
 * that layout (brgconv_1x1 and jit_1x1 with AVX-512, jit_1x1 with AVX2) were measured with libdnnl 2.6.3 for K, N of
 * 784,100  100,100  100,10  64,10  576,64  576,100  2048,1000  20,7  768,768  3,5 and M from 1 to 1024: a row of C, and
 * of dA, had the same bits for every M, every position and 1, 2 and 3 threads. The same in blocked layout (jit_1x1,
 * AVX-512) had not: the order of its sum over K changes with M. oneDNN's inner_product and sgemm have not either.
 */
#include "dnnl/dnnl_internal.h"

#include <stdlib.h>

struct eki_product {
    eki_conv *conv;
};

ek_status eki_product_create(const eki_product_desc *desc, eki_product **product, ek_error *err) {
    *product = NULL;
    eki_product *made = eki_calloc(1, sizeof *made);
    if (made == NULL) return eki_fail_nomem(err, sizeof *made);
    const eki_conv_desc conv = {.spatial = 2,
                                .n = 1,
                                .c = desc->k,
                                .o = desc->n,
                                .groups = 1,
                                .in = {1, desc->m},
                                .kernel = {1, 1},
                                .out = {1, desc->m},
                                .stride = {1, 1},
                                .dilation = {1, 1},
                                .src_layout = EK_LAYOUT_NHWC,
                                .dst_layout = EK_LAYOUT_NHWC,
                                .bias = desc->bias,
                                .want_dx = desc->want_da,
                                .want_dw = desc->want_db,
                                .threads = desc->threads,
                                .reproducible = desc->reproducible,
                                .chunk = desc->chunk,
                                .share = desc->share};
    ek_status status = eki_conv_create_as(&conv, true, !desc->b_transposed, &made->conv, err);
    if (status != EK_OK) {
        free(made);
        return eki_error_prefix(err, status, "product [%lld,%lld] x [%lld,%lld]", (long long)desc->m,
                                (long long)desc->k, (long long)desc->k, (long long)desc->n);
    }
    *product = made;
    return EK_OK;
}

void eki_product_destroy(eki_product *product) {
    if (product == NULL) return;
    eki_conv_destroy(product->conv);
    free(product);
}

size_t eki_product_scratch_bytes(const eki_product *product) { return eki_conv_scratch_bytes(product->conv); }

size_t eki_product_prepared_bytes(const eki_product *product) { return eki_conv_prepared_bytes(product->conv); }

ek_status eki_product_prepare(const eki_product *product, const float *b, void *prepared, ek_error *err) {
    return eki_conv_prepare_weights(product->conv, b, prepared, err);
}

ek_status eki_product_forward(const eki_product *product, const float *a, const float *b, const void *prepared,
                              const float *bias, float *c, void *scratch, ek_error *err) {
    const eki_conv_data data = {
        .src = a, .weights = b, .prepared = prepared, .bias = bias, .dst = c, .scratch = scratch};
    return eki_conv_forward(product->conv, &data, err);
}

ek_status eki_product_backward_a(const eki_product *product, const float *dc, const float *b, float *da, void *scratch,
                                 ek_error *err) {
    return eki_conv_backward_data(product->conv, dc, b, da, scratch, err);
}

ek_status eki_product_backward_b(const eki_product *product, const float *a, const float *dc, float *db, float *dbias,
                                 void *scratch, ek_error *err) {
    return eki_conv_backward_weights(product->conv, a, dc, db, dbias, scratch, err);
}
