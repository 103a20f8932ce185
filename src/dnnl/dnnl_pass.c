/* dnnl_pass.c: which layouts a direction of a convolution runs in, and its primitive.
 *
 * Every direction tries a short list of layout pairs, made from shapes alone, and takes the first for which oneDNN has
 * a direct implementation; what comes or goes in another layout is reordered around it. Measured with libdnnl 2.6.3
 * under AVX-512 and AVX2: channels padded to whole blocks always find one (without padding, 6 channels get the
 * reference loops, a thousand times slower); three channels or fewer run plain -> blocked, forward and weights (the
 * backward data of that pair is a reference loop, so it runs blocked); groups that do not fill blocks, and paddings
 * wider than the kernel, run channels last (jit or brgconv with AVX-512, partly gemm with AVX2: one gemm per image and
 * group, whose bits were the same for any batch, position and thread count, unlike those of gemm in plain layout).
 * bf16 with AMX runs channels last: 3x3 over 16 to 64 channels, 128 images, takes a quarter of the time that f32 takes
 * in blocks, while bf16 in blocks (AVX512_BF16 alone) takes 1.5 times as long as f32 on this kind of processor.
 */
#include "dnnl/dnnl_internal.h"

#include <stdio.h>
#include <string.h>

enum { MOST_CANDIDATES = 4 };

typedef struct layout_pair {
    ek_layout src, dst;
} layout_pair;

static bool is_depthwise(const eki_conv_desc *d) { return d->groups > 1 && d->groups == d->c && d->c == d->o; }

bool eki_conv_fits_blocks(const eki_conv_desc *d, ek_layout block) {
    int64_t size = (int64_t)block;
    if (d->groups == 1 || is_depthwise(d)) return true;
    return d->c / d->groups % size == 0 && d->o / d->groups % size == 0;
}

static int list_candidates(const eki_conv *conv, eki_pass_kind kind, const eki_pass *like,
                           layout_pair pairs[MOST_CANDIDATES]) {
    const eki_conv_desc *d = &conv->desc;
    const layout_pair last = {EK_LAYOUT_NHWC, EK_LAYOUT_NHWC};
    ek_layout block = eki_dnnl_block();
    int count = 0;
    if (conv->product || like != NULL) {
        pairs[0] = like != NULL ? (layout_pair){like->src_layout, like->dst_layout} : last;
        return 1;
    }
    bool given = d->src_layout == EK_LAYOUT_NHWC && d->dst_layout == EK_LAYOUT_NHWC;
    if (given && (d->forward_only || d->bf16)) pairs[count++] = last;
    if (d->groups == 1 && d->c <= EKI_FIRST_LAYER_CHANNELS && kind != EKI_PASS_DATA) {
        pairs[count++] = (layout_pair){EK_LAYOUT_NCHW, block};
    }
    if (eki_conv_fits_blocks(d, block)) pairs[count++] = (layout_pair){block, block};
    pairs[count++] = last;
    return count;
}

static void pad_channels(const eki_conv_desc *d, layout_pair pair, eki_pass *pass) {
    pass->src_layout = pair.src;
    pass->dst_layout = pair.dst;
    pass->groups = d->groups;
    pass->c = d->c;
    pass->o = d->o;
    if (d->groups == 1) {
        pass->c = eki_dnnl_padded(pair.src, d->c);
        pass->o = eki_dnnl_padded(pair.dst, d->o);
    } else if (is_depthwise(d)) {
        pass->groups = pass->c = pass->o = eki_dnnl_padded(pair.src, d->c);
    }
    pass->bias = d->bias;
    pass->padded = pass->c != d->c || pass->o != d->o;
}

static void weight_dims(const eki_conv *conv, const eki_pass *pass, dnnl_dims_t dims, int *ndims) {
    const eki_conv_desc *d = &conv->desc;
    int at = 0;
    if (pass->groups > 1) dims[at++] = pass->groups;
    dims[at++] = pass->o / pass->groups;
    dims[at++] = pass->c / pass->groups;
    for (int i = 0; i < d->spatial; i++) dims[at++] = d->kernel[i];
    *ndims = at;
}

/* `units`: images, or rows of a product. */
static void make_geometry(const eki_conv *conv, const eki_pass *pass, int64_t units, eki_geometry *g) {
    const eki_conv_desc *d = &conv->desc;
    int ignored;
    memset(g, 0, sizeof *g);
    g->ndims = d->spatial + 2;
    g->grouped = pass->groups > 1;
    g->bias = d->bias;
    g->bf16 = d->bf16;
    g->src[0] = g->dst[0] = conv->product ? 1 : units;
    g->src[1] = pass->c;
    g->dst[1] = pass->o;
    weight_dims(conv, pass, g->weights, &ignored);
    for (int i = 0; i < d->spatial; i++) {
        g->src[i + 2] = d->in[i];
        g->dst[i + 2] = d->out[i];
        g->strides[i] = d->stride[i];
        g->dilates[i] = d->dilation[i] - 1;
        g->pad_begin[i] = d->pad_begin[i];
        g->pad_end[i] = d->pad_end[i];
    }
    if (conv->product) g->src[3] = g->dst[3] = units;
    g->src_tag = eki_dnnl_tag(pass->src_layout, g->ndims);
    g->dst_tag = eki_dnnl_tag(pass->dst_layout, g->ndims);
}

/* The reorder between plain weights (rows O, or rows C where transposed) and the primitive's. */
static dnnl_status_t make_weight_reorder(const eki_conv *conv, eki_pass_kind kind, eki_pass *pass) {
    static const dnnl_format_tag_t tags[4] = {dnnl_abc, dnnl_abcd, dnnl_abcde, dnnl_abcdef};
    dnnl_dims_t dims;
    int ndims;
    eki_md plain;
    weight_dims(conv, pass, dims, &ndims);
    dnnl_format_tag_t tag = conv->transposed ? dnnl_bacd : tags[ndims - 3];
    dnnl_status_t status = eki_md_make(&plain, ndims, dims, false, tag);
    if (status != dnnl_success) return status;
    pass->plain_bytes = eki_md_bytes(&plain);
    if (kind == EKI_PASS_WEIGHTS) return eki_reorder_make(&pass->reorder, &pass->prim.weights, &plain);
    return eki_reorder_make(&pass->reorder, &plain, &pass->prim.weights);
}

/* The best primitive descriptor over the candidates; `pass` describes its layouts. */
static dnnl_status_t choose(const eki_conv *conv, eki_pass_kind kind, int64_t units, const eki_pass *like,
                            eki_pass *pass, dnnl_primitive_desc_t *best) {
    layout_pair pairs[MOST_CANDIDATES];
    int count = list_candidates(conv, kind, like, pairs), best_rank = 0;
    dnnl_status_t status = dnnl_unimplemented;
    *best = NULL;
    for (int i = 0; i < count && (*best == NULL || best_rank > 0); i++) {
        eki_pass trial = *pass;
        eki_geometry geometry;
        dnnl_primitive_desc_t pd;
        int rank = 0;
        pad_channels(&conv->desc, pairs[i], &trial);
        make_geometry(conv, &trial, units, &geometry);
        geometry.weights_md = like != NULL ? &like->prim.weights : NULL;
        dnnl_status_t found = eki_conv_find(&geometry, kind, &pd, &rank);
        if (found != dnnl_success) {
            if (*best == NULL) status = found;
            continue;
        }
        if (*best != NULL && rank >= best_rank) {
            (void)dnnl_primitive_desc_destroy(pd);
            continue;
        }
        if (*best != NULL) (void)dnnl_primitive_desc_destroy(*best);
        *best = pd;
        best_rank = rank;
        *pass = trial;
        status = dnnl_success;
    }
    return status;
}

/* Not one of oneDNN's gemm or reference implementations, whose tails compute something else. */
static bool is_compiled(const char *implementation) {
    return strncmp(implementation, "jit", 3) == 0 || strncmp(implementation, "brgconv", 7) == 0;
}

/* The same implementation, adding the residual, in the place of *pd. The brgconv family adds it behind its sums, as an
 * addition afterwards does; others begin their sums with what lies in the result, which gives other bits. */
static void take_residual(const eki_conv *conv, int64_t units, eki_pass *pass, dnnl_primitive_desc_t *pd) {
    eki_geometry geometry;
    dnnl_primitive_desc_t adding;
    if (pass->dst_layout != conv->desc.dst_layout || !is_compiled(eki_implementation(*pd))) return;
    make_geometry(conv, pass, units, &geometry);
    geometry.residual = strncmp(eki_implementation(*pd), "brgconv", 7) == 0 ? EKI_ADD_SUM : EKI_ADD_BINARY;
    if (eki_conv_find_with_tail(&geometry, eki_implementation(*pd), &adding) != dnnl_success) return;
    (void)dnnl_primitive_desc_destroy(*pd);
    *pd = adding;
    pass->adds = geometry.residual;
}

ek_status eki_pass_create(const eki_conv *conv, eki_pass_kind kind, int64_t units, int threads, const eki_pass *like,
                          eki_pass *pass, ek_error *err) {
    static const char *const names[] = {"forward", "backward by data", "backward by weights"};
    dnnl_primitive_desc_t pd = NULL;
    memset(pass, 0, sizeof *pass);
    int before = eki_dnnl_enter(threads);
    dnnl_status_t status = eki_dnnl_engine() == NULL ? dnnl_runtime_error : choose(conv, kind, units, like, pass, &pd);
    if (status == dnnl_success && kind == EKI_PASS_FORWARD && conv->desc.residual) {
        take_residual(conv, units, pass, &pd);
    }
    if (status == dnnl_success) status = eki_conv_make(&pass->prim, kind, pd);
    if (status == dnnl_success) status = make_weight_reorder(conv, kind, pass);
    if (pd != NULL) (void)dnnl_primitive_desc_destroy(pd);
    eki_dnnl_leave(before);
    if (status == dnnl_success) return EK_OK;
    char text[256];
    eki_conv_text(conv, text);
    return eki_dnnl_fail(err, status, names[kind], text);
}

static dnnl_status_t make_activated(const eki_conv *conv, int64_t units, eki_pass *pass) {
    eki_geometry geometry;
    dnnl_primitive_desc_t pd = NULL;
    make_geometry(conv, pass, units, &geometry);
    geometry.weights_md = &pass->prim.weights;
    geometry.residual = pass->adds;
    geometry.activation = conv->desc.activation;
    dnnl_status_t status = eki_conv_find_with_tail(&geometry, pass->prim.name, &pd);
    memset(&pass->prim, 0, sizeof pass->prim);
    memset(&pass->reorder, 0, sizeof pass->reorder);
    if (status == dnnl_success) status = eki_conv_make(&pass->prim, EKI_PASS_FORWARD, pd);
    if (pd != NULL) (void)dnnl_primitive_desc_destroy(pd);
    return status;
}

ek_status eki_pass_create_activated(const eki_conv *conv, int64_t units, const eki_pass *plain, eki_pass *pass,
                                    ek_error *err) {
    memset(pass, 0, sizeof *pass);
    if (conv->desc.residual && plain->adds == EKI_ADD_APART)
        return EK_OK;                                 /* the addition, which comes first, is not within */
    if (!is_compiled(plain->prim.name)) return EK_OK; /* the ReLU of the others makes -0 */
    bool twice = conv->desc.bf16 && conv->desc.activation.kind == EK_ACTIVATION_LEAKY_RELU;
    if (twice) return EK_OK; /* behind the primitive a product is rounded once more: one way for all numbers */
    *pass = *plain;
    int before = eki_dnnl_enter(conv->desc.threads);
    dnnl_status_t status = make_activated(conv, units, pass);
    eki_dnnl_leave(before);
    if (status != dnnl_out_of_memory) return EK_OK;
    return eki_fail(err, EK_ERR_NOMEM, "out of memory for a convolution with an activation");
}

void eki_pass_destroy(eki_pass *pass) {
    eki_prim_destroy(&pass->prim);
    eki_prim_destroy(&pass->reorder);
}

void eki_conv_text(const eki_conv *conv, char text[256]) {
    const eki_conv_desc *d = &conv->desc;
    int at = snprintf(text, 256, "convolution N=%lld C=%lld O=%lld groups=%lld", (long long)d->n, (long long)d->c,
                      (long long)d->o, (long long)d->groups);
    for (int i = 0; i < d->spatial && at > 0 && at < 256; i++) {
        at += snprintf(text + at, (size_t)(256 - at), " [%lld->%lld kernel %lld stride %lld pads %lld,%lld]",
                       (long long)d->in[i], (long long)d->out[i], (long long)d->kernel[i], (long long)d->stride[i],
                       (long long)d->pad_begin[i], (long long)d->pad_end[i]);
    }
}
