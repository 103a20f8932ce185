/* dnnl_conv_backward.c: gradients of a convolution by its source, its weights and its bias.
 *
 * The weight gradient is one primitive over the whole batch, or (reproducible) many over chunks: see dnnl_chunks.c.
 */
#include "dnnl/dnnl_internal.h"

#include <string.h>

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static size_t around(const eki_conv *conv, const eki_pass *pass) {
    return eki_round64(eki_pass_src_bytes(conv, pass)) + eki_round64(eki_pass_dst_bytes(conv, pass)) +
           (pass->padded ? eki_round64(pass->plain_bytes) : 0) + eki_pass_work_bytes(pass);
}

size_t eki_conv_backward_bytes(const eki_conv *conv) {
    const eki_pass *data = &conv->pass[EKI_PASS_DATA], *weights = &conv->pass[EKI_PASS_WEIGHTS];
    size_t bytes = 0;
    if (data->prim.handle != NULL) bytes = around(conv, data) + eki_round64(data->prim.weight_bytes);
    if (weights->prim.handle == NULL) return bytes;
    return larger(bytes, around(conv, weights) + eki_gradient_bytes(weights) + eki_chunk_bytes(conv));
}

static size_t whole_src_bytes(const eki_conv *conv) {
    const eki_conv_desc *d = &conv->desc;
    return (size_t)(d->n * eki_dnnl_padded(d->src_layout, d->c) * conv->src_space) *
           eki_dnnl_unit(eki_conv_form(conv, d->src_layout));
}

static ek_status run_data(const eki_conv *conv, const void *ddst, const float *weights, void *dsrc, char *at,
                          ek_error *err) {
    const eki_pass *pass = &conv->pass[EKI_PASS_DATA];
    const void *dy;
    EKI_TRY(eki_pass_read_dst(conv, pass, ddst, &at, &dy, err));
    size_t src_bytes = eki_pass_src_bytes(conv, pass);
    void *dx = src_bytes > 0 ? eki_carve(&at, src_bytes) : dsrc;
    float *padded = pass->padded ? eki_carve(&at, pass->plain_bytes) : NULL;
    void *w = eki_carve(&at, pass->prim.weight_bytes);
    EKI_TRY(eki_pass_read_weights(conv, pass, weights, padded, w, at, err));
    const eki_arg args[] = {{DNNL_ARG_DIFF_DST, &pass->prim.dst, dy},
                            {DNNL_ARG_WEIGHTS, &pass->prim.weights, w},
                            {DNNL_ARG_DIFF_SRC, &pass->prim.src, dx},
                            {DNNL_ARG_SCRATCHPAD, &pass->prim.scratch, pass->prim.scratch_bytes > 0 ? at : NULL}};
    EKI_TRY(eki_prim_run(&pass->prim, args, 4, "convolution backward by data", err));
    return eki_pass_write_src(conv, pass, dx, dsrc, err);
}

ek_status eki_conv_backward_data(const eki_conv *conv, const void *ddst, const float *weights, void *dsrc,
                                 void *scratch, ek_error *err) {
    if (conv->empty) {
        if (whole_src_bytes(conv) > 0) memset(dsrc, 0, whole_src_bytes(conv));
        return EK_OK;
    }
    if (!conv->desc.want_dx) return eki_fail(err, EK_ERR_STATE, "convolution was made without want_dx");
    int before = eki_dnnl_enter(conv->desc.threads);
    ek_status status = run_data(conv, ddst, weights, dsrc, scratch, err);
    eki_dnnl_leave(before);
    return status;
}

static ek_status run_weights(const eki_conv *conv, const void *src, const void *ddst, float *dweights, float *dbias,
                             char *at, ek_error *err) {
    const eki_pass *pass = &conv->pass[EKI_PASS_WEIGHTS];
    const void *x, *dy;
    EKI_TRY(eki_pass_read_src(conv, pass, src, &at, &x, err));
    EKI_TRY(eki_pass_read_dst(conv, pass, ddst, &at, &dy, err));
    float *padded = pass->padded ? eki_carve(&at, pass->plain_bytes) : NULL;
    float *gradient = eki_carve(&at, eki_gradient_bytes(pass));
    if (conv->chunk > 0) {
        EKI_TRY(eki_chunk_run(conv, x, dy, gradient, at, err));
    } else {
        EKI_TRY(eki_gradient_run(pass, x, dy, gradient, at, err));
    }
    const float *bias = gradient + eki_round64(pass->prim.weight_bytes) / sizeof(float);
    if (dbias != NULL) memcpy(dbias, bias, (size_t)conv->desc.o * sizeof(float));
    if (dweights == NULL) return EK_OK;
    return eki_pass_write_weights(conv, pass, gradient, padded, dweights, at, err);
}

ek_status eki_conv_backward_weights(const eki_conv *conv, const void *src, const void *ddst, float *dweights,
                                    float *dbias, void *scratch, ek_error *err) {
    const eki_conv_desc *d = &conv->desc;
    if (conv->empty && conv->chunk == 0) {
        size_t count = (size_t)(d->o * (d->c / d->groups) * conv->taps);
        if (dweights != NULL && count > 0) memset(dweights, 0, count * sizeof(float));
        if (dbias != NULL && d->o > 0) memset(dbias, 0, (size_t)d->o * sizeof(float));
        return EK_OK;
    }
    if (!d->want_dw || (dbias != NULL && !d->bias)) {
        return eki_fail(err, EK_ERR_STATE, "convolution was made without want_dw or without bias");
    }
    int before = eki_dnnl_enter(d->threads);
    ek_status status = run_weights(conv, src, ddst, dweights, dbias, scratch, err);
    eki_dnnl_leave(before);
    return status;
}
