/* dnnl_conv.c: convolutions: making them, their weights, forward.
 *
 * Scratch memory of a call is carved in one order: source and result in the layouts that the primitive runs in (where
 * they differ from the caller's), weights with padded channels, weights in oneDNN's layout, bias, oneDNN's own scratch.
 * A primitive runs at the thread count it was created with; the caller's OpenMP setting is put back afterwards.
 */
#include "base/memory.h"
#include "base/threads.h"
#include "dnnl/dnnl_internal.h"

#include <stdlib.h>
#include <string.h>

/* Forward alone, with AVX-512, oneDNN's batched products over channels-last images are faster than its direct kernels
 * over blocks where windows are wide and channels many (measured with libdnnl 2.6.3, 3x3: by 5 % at 64 channels of
 * 56x56, a quarter at 256 of 14x14). Pointwise convolutions gain little: among depthwise ones, which want blocks, they
 * take what comes. */
static bool prefers_channels_last(const eki_conv_desc *desc, ek_layout src, ek_layout block) {
    enum { MANY_CHANNELS = 64, FEW_CHANNELS = 32 };
    bool window = false;
    if (!desc->forward_only || block != EK_LAYOUT_BLOCKED16 || desc->groups != 1 || desc->spatial != 2) return false;
    int64_t least = src == EK_LAYOUT_NHWC ? FEW_CHANNELS : MANY_CHANNELS;
    if (desc->c % 16 != 0 || desc->o % 16 != 0 || desc->c < least || desc->o < least) return false;
    if (desc->c * desc->o < MANY_CHANNELS * MANY_CHANNELS) return false;
    for (int i = 0; i < desc->spatial; i++) window = window || desc->kernel[i] > 1;
    return window || desc->ungrouped || src == EK_LAYOUT_NHWC;
}

/* Groups that do not fill blocks run channels last (dnnl_pass.c); so does what lies between them, or between shuffles.
 */
static bool stays_channels_last(const eki_conv_desc *desc, ek_layout src, ek_layout block) {
    if (!desc->forward_only || desc->spatial != 2 || desc->c <= EKI_FIRST_LAYER_CHANNELS) return false;
    if (desc->shuffled || !eki_conv_fits_blocks(desc, block)) return true;
    return desc->groups > 1 && src == EK_LAYOUT_NHWC;
}

void eki_conv_choose_layouts(eki_conv_desc *desc, ek_layout src, ek_layout block) {
    bool tiles = desc->bf16 && eki_dnnl_has_tiles();
    if (tiles || prefers_channels_last(desc, src, block) || stays_channels_last(desc, src, block)) {
        desc->src_layout = desc->dst_layout = EK_LAYOUT_NHWC;
        return;
    }
    /* Few channels: the source is read as it comes from outside, without a layout change. */
    desc->src_layout = desc->groups == 1 && desc->c <= EKI_FIRST_LAYER_CHANNELS ? EK_LAYOUT_NCHW : block;
    desc->dst_layout = block;
}

static int64_t product_of(const int64_t *dims, int count) {
    int64_t result = 1;
    for (int i = 0; i < count; i++) result *= dims[i];
    return result;
}

static ek_status check(const eki_conv_desc *d, ek_error *err) {
    bool good = d->spatial >= 1 && d->spatial <= 3 && d->n >= 0 && d->c >= 0 && d->o >= 0 && d->groups >= 1 &&
                d->c % d->groups == 0 && d->o % d->groups == 0;
    for (int i = 0; good && i < d->spatial; i++) {
        good = d->in[i] >= 0 && d->kernel[i] >= 1 && d->out[i] >= 0 && d->stride[i] >= 1 && d->dilation[i] >= 1 &&
               d->pad_begin[i] >= 0 && d->pad_end[i] > -d->stride[i];
    }
    if (good) return EK_OK;
    return eki_fail(err, EK_ERR_ARG,
                    "convolution with %lld channels, %lld outputs, %lld groups, spatial rank %d: "
                    "groups must divide channels and outputs, and no extent may be negative",
                    (long long)d->c, (long long)d->o, (long long)d->groups, d->spatial);
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static size_t forward_bytes(const eki_conv *conv, const eki_pass *pass) {
    return eki_round64(eki_pass_src_bytes(conv, pass)) + eki_round64(eki_pass_dst_bytes(conv, pass)) +
           (pass->padded ? eki_round64(pass->plain_bytes) : 0) + eki_round64(pass->prim.weight_bytes) +
           eki_round64((size_t)pass->o * sizeof(float)) + eki_pass_work_bytes(pass);
}

enum { SLOT_GROUP = 8, MANY_BYTES = 1 << 20 }; /* groups of 8 chunks are summed fastest */

/* How many chunks there are and how many are computed at a time (which changes time and memory, never bits). */
static void plan_chunks(eki_conv *conv) {
    const eki_conv_desc *d = &conv->desc;
    int64_t units = conv->product ? d->in[1] : d->n;
    conv->chunk = d->chunk < 1 ? 1 : d->chunk; /* also where there are fewer images: they may be the last of many */
    conv->chunks = (units + conv->chunk - 1) / conv->chunk;
    size_t weight_bytes = (size_t)(d->o * (d->c / d->groups) * conv->taps) * sizeof(float);
    int slots = weight_bytes > MANY_BYTES ? d->threads : 4 * d->threads;
    slots = (slots + SLOT_GROUP - 1) / SLOT_GROUP * SLOT_GROUP;
    conv->slots = slots < conv->chunks ? slots : (int)conv->chunks;
    for (conv->levels = 1; (conv->chunks >> conv->levels) > 0;) conv->levels++;
}

static ek_status make_chunks(eki_conv *conv, int64_t units, ek_error *err) {
    eki_pass *pass = &conv->pass[EKI_PASS_WEIGHTS];
    plan_chunks(conv);
    EKI_TRY(eki_pass_create(conv, EKI_PASS_WEIGHTS, conv->chunk, 1, NULL, pass, err));
    if (units % conv->chunk == 0) return EK_OK;
    return eki_pass_create(conv, EKI_PASS_WEIGHTS, units % conv->chunk, 1, pass, &conv->tail, err);
}

/* A convolution without an example still takes part in the sum over those that have some. */
static bool shares_nothing(const eki_conv *conv) {
    const eki_conv_desc *d = &conv->desc;
    int64_t units = conv->product ? d->in[1] : d->n;
    bool rest = d->c > 0 && d->o > 0 && (conv->product || (conv->src_space > 0 && conv->dst_space > 0));
    return d->share != NULL && d->reproducible && d->want_dw && units == 0 && rest;
}

static ek_status make_empty(eki_conv *conv, ek_error *err) {
    if (!shares_nothing(conv)) return EK_OK;
    EKI_TRY(make_chunks(conv, 0, err));
    conv->scratch_bytes = eki_conv_backward_bytes(conv);
    return EK_OK;
}

/* In bf16 the threads of one primitive for a weight gradient meet in barriers that spin: when another program takes one
 * of their processors, a step takes ten times as long. So each thread computes a chunk of its own. */
static void share_out(eki_conv_desc *d) {
    if (!d->bf16 || d->reproducible) return;
    d->reproducible = true;
    d->chunk = (d->n + d->threads - 1) / d->threads;
}

static ek_status make_passes(eki_conv *conv, ek_error *err) {
    share_out(&conv->desc);
    const eki_conv_desc *d = &conv->desc;
    int64_t units = conv->product ? d->in[1] : d->n;
    eki_pass *pass = conv->pass;
    EKI_TRY(eki_pass_create(conv, EKI_PASS_FORWARD, units, d->threads, NULL, &pass[EKI_PASS_FORWARD], err));
    if (d->activation.kind != EK_ACTIVATION_NONE) {
        EKI_TRY(eki_pass_create_activated(conv, units, &pass[EKI_PASS_FORWARD], &conv->activated, err));
    }
    conv->scratch_bytes = forward_bytes(conv, &pass[EKI_PASS_FORWARD]);
    if (conv->activated.prim.handle != NULL) {
        conv->scratch_bytes = larger(conv->scratch_bytes, forward_bytes(conv, &conv->activated));
    }
    if (d->want_dx) EKI_TRY(eki_pass_create(conv, EKI_PASS_DATA, units, d->threads, NULL, &pass[EKI_PASS_DATA], err));
    if (d->want_dw && d->reproducible) {
        EKI_TRY(make_chunks(conv, units, err));
    } else if (d->want_dw) {
        EKI_TRY(eki_pass_create(conv, EKI_PASS_WEIGHTS, units, d->threads, NULL, &pass[EKI_PASS_WEIGHTS], err));
    }
    conv->scratch_bytes = larger(conv->scratch_bytes, eki_conv_backward_bytes(conv));
    return EK_OK;
}

ek_status eki_conv_create_as(const eki_conv_desc *desc, bool product, bool transposed, eki_conv **conv, ek_error *err) {
    *conv = NULL;
    EKI_TRY(check(desc, err));
    eki_conv *made = eki_calloc(1, sizeof *made);
    if (made == NULL) return eki_fail_nomem(err, sizeof *made);
    made->desc = *desc;
    made->product = product;
    made->transposed = transposed;
    if (made->desc.threads < 1) made->desc.threads = eki_threads_get();
    made->src_space = product_of(desc->in, desc->spatial);
    made->dst_space = product_of(desc->out, desc->spatial);
    made->taps = product_of(desc->kernel, desc->spatial);
    made->empty = desc->n == 0 || desc->c == 0 || desc->o == 0 || made->src_space == 0 || made->dst_space == 0;
    ek_status status = made->empty ? make_empty(made, err) : make_passes(made, err);
    if (status != EK_OK) {
        eki_conv_destroy(made);
        return status;
    }
    *conv = made;
    return EK_OK;
}

ek_status eki_conv_create(const eki_conv_desc *desc, eki_conv **conv, ek_error *err) {
    return eki_conv_create_as(desc, false, false, conv, err);
}

void eki_conv_destroy(eki_conv *conv) {
    if (conv == NULL) return;
    for (int i = 0; i < 3; i++) eki_pass_destroy(&conv->pass[i]);
    eki_pass_destroy(&conv->activated);
    eki_pass_destroy(&conv->tail);
    free(conv);
}

const char *eki_conv_implementation(const eki_conv *conv) { return conv->pass[EKI_PASS_FORWARD].prim.name; }

bool eki_conv_is_compiled(const eki_conv *conv) {
    for (int i = 0; i < 3; i++) {
        if (strstr(conv->pass[i].prim.name, "ref") != NULL) return false;
    }
    return true;
}

bool eki_conv_adds_in_place(const eki_conv *conv) {
    return conv->desc.residual && !conv->empty && conv->pass[EKI_PASS_FORWARD].adds == EKI_ADD_SUM;
}

size_t eki_conv_scratch_bytes(const eki_conv *conv) { return conv->scratch_bytes; }

/* Room for padded plain weights behind the prepared ones, so that preparing needs no other memory. */
size_t eki_conv_prepared_bytes(const eki_conv *conv) {
    const eki_pass *pass = &conv->pass[EKI_PASS_FORWARD];
    return eki_round64(pass->prim.weight_bytes) + (pass->padded ? eki_round64(pass->plain_bytes) : 0) +
           eki_round64(pass->reorder.scratch_bytes);
}

ek_status eki_conv_prepare_weights(const eki_conv *conv, const float *weights, void *prepared, ek_error *err) {
    if (conv->empty) return EK_OK;
    const eki_pass *pass = &conv->pass[EKI_PASS_FORWARD];
    char *at = prepared;
    void *target = eki_carve(&at, pass->prim.weight_bytes);
    float *padded = pass->padded ? eki_carve(&at, pass->plain_bytes) : NULL;
    int before = eki_dnnl_enter(conv->desc.threads);
    ek_status status = eki_pass_read_weights(conv, pass, weights, padded, target, at, err);
    eki_dnnl_leave(before);
    return status;
}

/* No terms to sum (a product with k = 0, a convolution of no channels): the bias alone. */
static void fill_empty(const eki_conv *conv, const float *bias, void *dst) {
    const eki_conv_desc *d = &conv->desc;
    int64_t count = eki_dnnl_padded(d->dst_layout, d->o) * conv->dst_space * d->n;
    if (count <= 0) return;
    memset(dst, 0, (size_t)count * eki_dnnl_unit(eki_conv_form(conv, d->dst_layout)));
    if (bias == NULL || !conv->product) return;
    for (int64_t i = 0; i < conv->dst_space; i++) memcpy((float *)dst + i * d->o, bias, (size_t)d->o * sizeof(float));
}

static ek_status run_forward(const eki_conv *conv, const eki_conv_data *data, ek_error *err) {
    const eki_conv_desc *d = &conv->desc;
    bool within = conv->activated.prim.handle != NULL && (data->finite || eki_activation_is_gate(d->activation));
    const eki_pass *pass = within ? &conv->activated : &conv->pass[EKI_PASS_FORWARD];
    const float *bias = data->bias;
    const void *x;
    char *at = data->scratch;
    EKI_TRY(eki_pass_read_src(conv, pass, data->src, &at, &x, err));
    size_t dst_bytes = eki_pass_dst_bytes(conv, pass);
    void *y = dst_bytes > 0 ? eki_carve(&at, dst_bytes) : data->dst;
    float *padded = pass->padded ? eki_carve(&at, pass->plain_bytes) : NULL;
    void *w = eki_carve(&at, pass->prim.weight_bytes);
    float *padded_bias = eki_carve(&at, (size_t)pass->o * sizeof(float));
    if (data->prepared == NULL) {
        EKI_TRY(eki_pass_read_weights(conv, &conv->pass[EKI_PASS_FORWARD], data->weights, padded, w, at, err));
    }
    if (d->bias && pass->o != d->o) {
        memcpy(padded_bias, bias, (size_t)d->o * sizeof(float));
        memset(padded_bias + d->o, 0, (size_t)(pass->o - d->o) * sizeof(float));
        bias = padded_bias;
    }
    if (pass->adds == EKI_ADD_SUM) eki_conv_preset(conv, data->residual, y);
    const void *term = pass->adds == EKI_ADD_BINARY ? data->residual : NULL;
    const eki_arg args[] = {{DNNL_ARG_SRC, &pass->prim.src, x},
                            {DNNL_ARG_WEIGHTS, &pass->prim.weights, data->prepared != NULL ? data->prepared : w},
                            {DNNL_ARG_BIAS, &pass->prim.bias, d->bias ? bias : NULL},
                            {DNNL_ARG_DST, &pass->prim.dst, y},
                            {DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, &pass->prim.dst, term},
                            {DNNL_ARG_SCRATCHPAD, &pass->prim.scratch, pass->prim.scratch_bytes > 0 ? at : NULL}};
    EKI_TRY(eki_prim_run(&pass->prim, args, 6, "convolution forward", err));
    EKI_TRY(eki_pass_write_dst(conv, pass, y, data->dst, err));
    eki_conv_finish(conv, d->residual && pass->adds == EKI_ADD_APART ? data->residual : NULL,
                    within ? (eki_activation){.kind = EK_ACTIVATION_NONE} : d->activation, data->dst);
    return EK_OK;
}

ek_status eki_conv_forward(const eki_conv *conv, const eki_conv_data *data, ek_error *err) {
    const eki_conv_desc *d = &conv->desc;
    if (d->residual && data->residual == NULL) return eki_fail(err, EK_ERR_STATE, "convolution without its residual");
    if (conv->empty) {
        fill_empty(conv, data->bias, data->dst);
        eki_conv_finish(conv, d->residual ? data->residual : NULL, d->activation, data->dst);
        return EK_OK;
    }
    int before = eki_dnnl_enter(d->threads);
    ek_status status = run_forward(conv, data, err);
    eki_dnnl_leave(before);
    return status;
}
