/* dnnl_calls.c: the calls that differ between oneDNN 2.x (here: 2.6) and 3.x, and nothing else.
 *
 * 3.x makes memory descriptors opaque, drops operation descriptors (their arguments go to the primitive descriptor) and
 * renames the walk to dnnl_primitive_desc_next_impl. The walk: implementations come in oneDNN's order of preference;
 * the first whose name contains neither "gemm" nor "ref" is taken. Names are read anew at each step, since 2.6 lists an
 * implementation twice when its cache holds a primitive of the same description.
 */
#include "dnnl/dnnl_internal.h"

#include <stdio.h>
#include <string.h>

dnnl_status_t eki_md_make(eki_md *md, int ndims, const dnnl_dims_t dims, bool bf16, dnnl_format_tag_t tag) {
    return dnnl_memory_desc_init_by_tag(md, ndims, dims, bf16 ? dnnl_bf16 : dnnl_f32, tag);
}

size_t eki_md_bytes(const eki_md *md) { return dnnl_memory_desc_get_size(md); }

/* Scratch memory is ours; arithmetic stays f32. */
static dnnl_status_t make_attributes(dnnl_primitive_attr_t *attributes) {
    dnnl_status_t status = dnnl_primitive_attr_create(attributes);
    if (status != dnnl_success) return status;
    status = dnnl_primitive_attr_set_scratchpad_mode(*attributes, dnnl_scratchpad_mode_user);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_fpmath_mode(*attributes, dnnl_fpmath_mode_strict);
    return status;
}

/* oneDNN's ReLU and clip lose NaN; its ReLU makes 0 of -0. */
static dnnl_status_t append_activation(dnnl_post_ops_t after, eki_activation f) {
    switch (f.kind) {
    case EK_ACTIVATION_RELU: return dnnl_post_ops_append_eltwise(after, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f);
    case EK_ACTIVATION_LEAKY_RELU: return dnnl_post_ops_append_eltwise(after, 1.0f, dnnl_eltwise_relu, f.alpha, 0.0f);
    case EK_ACTIVATION_CLIP: return dnnl_post_ops_append_eltwise(after, 1.0f, dnnl_eltwise_clip, f.alpha, f.beta);
    case EK_ACTIVATION_HARD_SWISH: return dnnl_post_ops_append_eltwise(after, 1.0f, dnnl_eltwise_hardswish, 0.0f, 0.0f);
    case EK_ACTIVATION_SILU: return dnnl_post_ops_append_eltwise(after, 1.0f, dnnl_eltwise_swish, 1.0f, 0.0f);
    default: return dnnl_success;
    }
}

static dnnl_status_t add_tail(dnnl_primitive_attr_t attributes, const eki_geometry *g) {
    eki_md md;
    dnnl_post_ops_t after = NULL;
    dnnl_status_t status = eki_md_make(&md, g->ndims, g->dst, g->bf16, g->dst_tag);
    if (status == dnnl_success) status = dnnl_post_ops_create(&after);
    if (status == dnnl_success && g->residual == EKI_ADD_BINARY) {
        status = dnnl_post_ops_append_binary(after, dnnl_binary_add, &md);
    }
    if (status == dnnl_success && g->residual == EKI_ADD_SUM) status = dnnl_post_ops_append_sum(after, 1.0f);
    if (status == dnnl_success) status = append_activation(after, g->activation);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(attributes, after);
    if (after != NULL) (void)dnnl_post_ops_destroy(after);
    return status;
}

const char *eki_implementation(const_dnnl_primitive_desc_t pd) {
    const char *name = NULL;
    return dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name) == dnnl_success ? name : "";
}

static dnnl_status_t describe(const eki_geometry *g, eki_pass_kind kind, dnnl_convolution_desc_t *desc) {
    const dnnl_alg_kind_t method = dnnl_convolution_direct;
    eki_md src, dst, weights, bias;
    const dnnl_dims_t outputs = {g->dst[1]};
    dnnl_status_t status = eki_md_make(&src, g->ndims, g->src, g->bf16, g->src_tag);
    if (status == dnnl_success) status = eki_md_make(&dst, g->ndims, g->dst, g->bf16, g->dst_tag);
    if (status == dnnl_success) {
        const bool bf16 = g->bf16 && kind != EKI_PASS_WEIGHTS; /* their gradient is f32 */
        status = eki_md_make(&weights, g->ndims + (g->grouped ? 1 : 0), g->weights, bf16, dnnl_format_tag_any);
        if (g->weights_md != NULL) weights = *g->weights_md;
    }
    if (status == dnnl_success) status = eki_md_make(&bias, 1, outputs, false, dnnl_a);
    if (status != dnnl_success) return status;
    const eki_md *b = g->bias ? &bias : NULL;
    switch (kind) {
    case EKI_PASS_DATA:
        return dnnl_dilated_convolution_backward_data_desc_init(desc, method, &src, &weights, &dst, g->strides,
                                                                g->dilates, g->pad_begin, g->pad_end);
    case EKI_PASS_WEIGHTS:
        return dnnl_dilated_convolution_backward_weights_desc_init(desc, method, &src, &weights, b, &dst, g->strides,
                                                                   g->dilates, g->pad_begin, g->pad_end);
    default:
        return dnnl_dilated_convolution_forward_desc_init(desc, dnnl_forward_training, method, &src, &weights, b, &dst,
                                                          g->strides, g->dilates, g->pad_begin, g->pad_end);
    }
}

static int rank_of(const char *name, const eki_geometry *g) {
    if (strstr(name, "gemm") != NULL) return g->src_tag == eki_dnnl_tag(EK_LAYOUT_NHWC, g->ndims) ? 1 : 3;
    return strstr(name, "ref") != NULL ? 2 : 0;
}

dnnl_status_t eki_conv_find(const eki_geometry *g, eki_pass_kind kind, dnnl_primitive_desc_t *pd, int *rank) {
    dnnl_convolution_desc_t desc;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_iterator_t walk = NULL;
    *pd = NULL;
    if (eki_headroom(EKI_DNNL_MAKES, NULL) != EK_OK) return dnnl_out_of_memory;
    dnnl_status_t status = describe(g, kind, &desc);
    if (status == dnnl_success) status = make_attributes(&attributes);
    if (status == dnnl_success && (g->residual || g->activation.kind != EK_ACTIVATION_NONE))
        status = add_tail(attributes, g);
    if (status == dnnl_success) {
        status = dnnl_primitive_desc_iterator_create(&walk, &desc, attributes, eki_dnnl_engine(), NULL);
    }
    bool more = status == dnnl_success;
    while (more && (*pd == NULL || *rank > 0)) {
        dnnl_primitive_desc_t found = dnnl_primitive_desc_iterator_fetch(walk);
        int r = found == NULL ? 99 : rank_of(eki_implementation(found), g);
        if (found != NULL && (*pd == NULL || r < *rank)) {
            if (*pd != NULL) (void)dnnl_primitive_desc_destroy(*pd);
            *pd = found;
            *rank = r;
        } else if (found != NULL) {
            (void)dnnl_primitive_desc_destroy(found);
        }
        more = dnnl_primitive_desc_iterator_next(walk) == dnnl_success;
    }
    if (walk != NULL) (void)dnnl_primitive_desc_iterator_destroy(walk);
    if (attributes != NULL) (void)dnnl_primitive_attr_destroy(attributes);
    if (status == dnnl_success && *pd == NULL) status = dnnl_unimplemented;
    return status;
}

dnnl_status_t eki_conv_find_with_tail(const eki_geometry *g, const char *name, dnnl_primitive_desc_t *pd) {
    int rank = 0;
    dnnl_primitive_desc_t found;
    dnnl_status_t status = eki_conv_find(g, EKI_PASS_FORWARD, &found, &rank);
    if (status != dnnl_success) return status;
    if (strcmp(eki_implementation(found), name) != 0) {
        (void)dnnl_primitive_desc_destroy(found);
        return dnnl_unimplemented;
    }
    *pd = found;
    return dnnl_success;
}

static dnnl_status_t finish(eki_prim *prim, const_dnnl_primitive_desc_t pd) {
    (void)snprintf(prim->name, sizeof prim->name, "%s", eki_implementation(pd));
    prim->scratch = *dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    prim->scratch_bytes = eki_md_bytes(&prim->scratch);
    if (eki_headroom(EKI_DNNL_MAKES, NULL) != EK_OK) return dnnl_out_of_memory;
    return dnnl_primitive_create(&prim->handle, pd);
}

dnnl_status_t eki_conv_make(eki_prim *prim, eki_pass_kind kind, const_dnnl_primitive_desc_t pd) {
    dnnl_query_t src = kind == EKI_PASS_DATA ? dnnl_query_diff_src_md : dnnl_query_src_md;
    dnnl_query_t dst = kind == EKI_PASS_FORWARD ? dnnl_query_dst_md : dnnl_query_diff_dst_md;
    dnnl_query_t weights = kind == EKI_PASS_WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md;
    prim->src = *dnnl_primitive_desc_query_md(pd, src, 0);
    prim->dst = *dnnl_primitive_desc_query_md(pd, dst, 0);
    prim->weights = *dnnl_primitive_desc_query_md(pd, weights, 0);
    const eki_md *bias = kind == EKI_PASS_DATA ? NULL : dnnl_primitive_desc_query_md(pd, weights, 1);
    if (bias != NULL) prim->bias = *bias;
    prim->weight_bytes = eki_md_bytes(&prim->weights);
    return finish(prim, pd);
}

dnnl_status_t eki_reorder_make(eki_prim *prim, const eki_md *from, const eki_md *to) {
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_t pd = NULL;
    if (eki_headroom(EKI_DNNL_MAKES, NULL) != EK_OK) return dnnl_out_of_memory;
    dnnl_status_t status = make_attributes(&attributes);
    if (status == dnnl_success) {
        status = dnnl_reorder_primitive_desc_create(&pd, from, eki_dnnl_engine(), to, eki_dnnl_engine(), attributes);
    }
    prim->src = *from;
    prim->dst = *to;
    if (status == dnnl_success) status = finish(prim, pd);
    if (pd != NULL) (void)dnnl_primitive_desc_destroy(pd);
    if (attributes != NULL) (void)dnnl_primitive_attr_destroy(attributes);
    return status;
}

typedef struct pool_terms {
    eki_md src, dst;
    dnnl_dims_t stride, kernel, dilation, begin, end;
    dnnl_alg_kind_t algorithm;
} pool_terms;

static dnnl_status_t pool_forward_pd(const pool_terms *t, bool training, dnnl_primitive_attr_t attributes,
                                     dnnl_primitive_desc_t *pd) {
    dnnl_pooling_v2_desc_t desc;
    dnnl_status_t status = dnnl_pooling_v2_forward_desc_init(
        &desc, training ? dnnl_forward_training : dnnl_forward_inference, t->algorithm, &t->src, &t->dst, t->stride,
        t->kernel, t->dilation, t->begin, t->end);
    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(pd, &desc, attributes, eki_dnnl_engine(), NULL);
}

static dnnl_status_t pool_backward_pd(const pool_terms *t, dnnl_primitive_attr_t attributes,
                                      const_dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *pd) {
    dnnl_pooling_v2_desc_t desc;
    dnnl_status_t status = dnnl_pooling_v2_backward_desc_init(&desc, t->algorithm, &t->src, &t->dst, t->stride,
                                                              t->kernel, t->dilation, t->begin, t->end);
    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(pd, &desc, attributes, eki_dnnl_engine(), hint);
}

static dnnl_status_t pool_describe(const eki_pool_desc *desc, int ndims, const dnnl_dims_t src, const dnnl_dims_t dst,
                                   pool_terms *t) {
    for (int i = 0; i < desc->spatial; i++) {
        t->stride[i] = desc->stride[i];
        t->kernel[i] = desc->kernel[i];
        t->dilation[i] = desc->dilation[i] - 1;
        t->begin[i] = desc->pad_begin[i];
        /* What the windows reach, which with ceil_mode is more than the padding given. */
        t->end[i] = (desc->out[i] - 1) * desc->stride[i] + (desc->kernel[i] - 1) * desc->dilation[i] + 1 - desc->in[i] -
                    desc->pad_begin[i];
        if (t->end[i] < 0) t->end[i] = 0;
    }
    t->algorithm = desc->kind == EKI_POOL_MAX       ? dnnl_pooling_max
                   : desc->kind == EKI_POOL_AVERAGE ? dnnl_pooling_avg_exclude_padding
                                                    : dnnl_pooling_avg_include_padding;
    dnnl_format_tag_t tag = eki_dnnl_tag(desc->layout, ndims);
    dnnl_status_t status = eki_md_make(&t->src, ndims, src, desc->bf16, tag);
    return status == dnnl_success ? eki_md_make(&t->dst, ndims, dst, desc->bf16, tag) : status;
}

static void note_workspace(eki_prim *prim, const_dnnl_primitive_desc_t pd) {
    const eki_md *md = dnnl_primitive_desc_query_md(pd, dnnl_query_workspace_md, 0);
    if (md == NULL) return;
    prim->workspace = *md;
    prim->workspace_bytes = eki_md_bytes(md);
}

dnnl_status_t eki_pool_make(eki_prim *forward, eki_prim *backward, const eki_pool_desc *desc, int ndims,
                            const dnnl_dims_t src, const dnnl_dims_t dst) {
    pool_terms t;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_t first = NULL, second = NULL;
    if (eki_headroom(EKI_DNNL_MAKES, NULL) != EK_OK) return dnnl_out_of_memory;
    dnnl_status_t status = pool_describe(desc, ndims, src, dst, &t);
    if (status == dnnl_success) status = make_attributes(&attributes);
    if (status == dnnl_success) status = pool_forward_pd(&t, desc->backward, attributes, &first);
    if (status == dnnl_success) {
        note_workspace(forward, first);
        status = finish(forward, first);
    }
    if (status == dnnl_success && desc->backward) status = pool_backward_pd(&t, attributes, first, &second);
    if (second != NULL) status = finish(backward, second);
    forward->src = backward->src = t.src;
    forward->dst = backward->dst = t.dst;
    backward->workspace = forward->workspace;
    if (first != NULL) (void)dnnl_primitive_desc_destroy(first);
    if (second != NULL) (void)dnnl_primitive_desc_destroy(second);
    if (attributes != NULL) (void)dnnl_primitive_attr_destroy(attributes);
    return status;
}
