/* dnnl_pass_data.c: what surrounds a convolution primitive: activations and weights into and out of its layouts.
 *
 * Where the primitive runs in the caller's layout nothing is copied; a result in a blocked layout gets its padded
 * channels set to zero (they are sums of zero weights, which are zero only as long as all data are finite).
 */
#include "base/threads.h"
#include "dnnl/dnnl_internal.h"

#include <string.h>

eki_dnnl_form eki_conv_form(const eki_conv *conv, ek_layout layout) {
    return (eki_dnnl_form){.dtype = conv->desc.bf16 ? EK_BF16 : EK_F32, .layout = layout};
}

static size_t tensor_bytes(const eki_conv *conv, int64_t channels, int64_t space, ek_layout layout) {
    return (size_t)(conv->desc.n * eki_dnnl_padded(layout, channels) * space) *
           eki_dnnl_unit(eki_conv_form(conv, layout));
}

size_t eki_pass_src_bytes(const eki_conv *conv, const eki_pass *pass) {
    if (pass->src_layout == conv->desc.src_layout) return 0;
    return tensor_bytes(conv, conv->desc.c, conv->src_space, pass->src_layout);
}

size_t eki_pass_dst_bytes(const eki_conv *conv, const eki_pass *pass) {
    if (pass->dst_layout == conv->desc.dst_layout) return 0;
    return tensor_bytes(conv, conv->desc.o, conv->dst_space, pass->dst_layout);
}

size_t eki_pass_work_bytes(const eki_pass *pass) {
    size_t a = pass->prim.scratch_bytes, b = pass->reorder.scratch_bytes;
    return eki_round64(a > b ? a : b);
}

static ek_status change(const eki_conv *conv, const void *from, ek_layout from_layout, void *to, ek_layout to_layout,
                        bool source, ek_error *err) {
    const eki_conv_desc *d = &conv->desc;
    int64_t dims[3] = {d->n, source ? d->c : d->o, source ? conv->src_space : conv->dst_space};
    return eki_reorder(from, eki_conv_form(conv, from_layout), to, eki_conv_form(conv, to_layout), 3, dims, d->threads,
                       err);
}

static ek_status read_tensor(const eki_conv *conv, const void *from, ek_layout from_layout, ek_layout to_layout,
                             bool source, size_t bytes, char **at, const void **x, ek_error *err) {
    *x = from;
    if (bytes == 0) return EK_OK;
    void *copy = eki_carve(at, bytes);
    *x = copy;
    return change(conv, from, from_layout, copy, to_layout, source, err);
}

ek_status eki_pass_read_src(const eki_conv *conv, const eki_pass *pass, const void *src, char **at, const void **x,
                            ek_error *err) {
    return read_tensor(conv, src, conv->desc.src_layout, pass->src_layout, true, eki_pass_src_bytes(conv, pass), at, x,
                       err);
}

ek_status eki_pass_read_dst(const eki_conv *conv, const eki_pass *pass, const void *ddst, char **at, const void **x,
                            ek_error *err) {
    return read_tensor(conv, ddst, conv->desc.dst_layout, pass->dst_layout, false, eki_pass_dst_bytes(conv, pass), at,
                       x, err);
}

ek_status eki_pass_write_src(const eki_conv *conv, const eki_pass *pass, const void *result, void *dsrc,
                             ek_error *err) {
    const eki_conv_desc *d = &conv->desc;
    if (result != dsrc) return change(conv, result, pass->src_layout, dsrc, d->src_layout, true, err);
    eki_zero_padding(dsrc, eki_conv_form(conv, d->src_layout), d->n, d->c, conv->src_space, d->threads);
    return EK_OK;
}

ek_status eki_pass_write_dst(const eki_conv *conv, const eki_pass *pass, const void *result, void *dst, ek_error *err) {
    const eki_conv_desc *d = &conv->desc;
    if (result != dst) return change(conv, result, pass->dst_layout, dst, d->dst_layout, false, err);
    eki_zero_padding(dst, eki_conv_form(conv, d->dst_layout), d->n, d->o, conv->dst_space, d->threads);
    return EK_OK;
}

static size_t row_of(const eki_conv *conv) { return (size_t)(conv->desc.c / conv->desc.groups * conv->taps); }

static size_t padded_row_of(const eki_conv *conv, const eki_pass *pass) {
    return (size_t)(pass->c / pass->groups * conv->taps);
}

static void pad(const eki_conv *conv, const eki_pass *pass, const float *weights, float *padded) {
    size_t row = row_of(conv), wide = padded_row_of(conv, pass);
    for (int64_t o = 0; o < pass->o; o++, padded += wide) {
        size_t used = o < conv->desc.o ? row : 0;
        if (used > 0) memcpy(padded, weights + (size_t)o * row, row * sizeof(float));
        memset(padded + used, 0, (wide - used) * sizeof(float));
    }
}

static ek_status run_reorder(const eki_prim *reorder, const void *from, const void *to, const void *scratch,
                             ek_error *err) {
    const eki_arg args[] = {{DNNL_ARG_FROM, &reorder->src, from},
                            {DNNL_ARG_TO, &reorder->dst, to},
                            {DNNL_ARG_SCRATCHPAD, &reorder->scratch, reorder->scratch_bytes > 0 ? scratch : NULL}};
    return eki_prim_run(reorder, args, 3, "layout change of weights", err);
}

ek_status eki_pass_read_weights(const eki_conv *conv, const eki_pass *pass, const float *weights, float *padded,
                                void *prepared, void *scratch, ek_error *err) {
    if (pass->padded) pad(conv, pass, weights, padded);
    return run_reorder(&pass->reorder, pass->padded ? padded : weights, prepared, scratch, err);
}

ek_status eki_pass_write_weights(const eki_conv *conv, const eki_pass *pass, const float *gradient, float *padded,
                                 float *dweights, void *scratch, ek_error *err) {
    EKI_TRY(run_reorder(&pass->reorder, gradient, pass->padded ? padded : dweights, scratch, err));
    if (!pass->padded) return EK_OK;
    size_t row = row_of(conv), wide = padded_row_of(conv, pass);
    for (int64_t o = 0; o < conv->desc.o; o++) {
        memcpy(dweights + (size_t)o * row, padded + (size_t)o * wide, row * sizeof(float));
    }
    return EK_OK;
}
