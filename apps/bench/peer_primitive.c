/* peer_primitive.c: oneDNN 3 has no descriptors of operations, and makes those of memory itself. */
#include "bench/peer_primitive.h"

static const unsigned affine = dnnl_use_scale | dnnl_use_shift;

static unsigned flags_of(const ekb_peer_kind *k, bool training) {
    return training || k->layer ? affine : affine | dnnl_use_global_stats;
}

#if DNNL_VERSION_MAJOR < 3

dnnl_status_t ekb_describe(dnnl_memory_desc_t *md, int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
    return dnnl_memory_desc_init_by_tag(md, rank, dims, dnnl_f32, tag);
}

void ekb_forget(ekb_peer_shapes *shapes) { (void)shapes; }

dnnl_status_t ekb_memory_of(dnnl_memory_t *memory, const dnnl_memory_desc_t *md, dnnl_engine_t engine, void *data) {
    return dnnl_memory_create(memory, md, engine, data);
}

static dnnl_status_t forward(const ekb_peer_kind *k, dnnl_prop_kind_t prop, unsigned flags, dnnl_primitive_desc_t *pd) {
    const ekb_peer_shapes *s = k->shapes;
    dnnl_layer_normalization_desc_t layer;
    dnnl_batch_normalization_desc_t batch;
    const void *desc = k->layer ? (const void *)&layer : (const void *)&batch;
    dnnl_status_t status =
        k->layer ? dnnl_layer_normalization_forward_desc_init(&layer, prop, &s->data, &s->statistics, k->epsilon, flags)
                 : dnnl_batch_normalization_forward_desc_init(&batch, prop, &s->data, k->epsilon, flags);
    return status == dnnl_success ? dnnl_primitive_desc_create(pd, desc, NULL, k->engine, NULL) : status;
}

static dnnl_status_t backward(const ekb_peer_kind *k, dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *pd) {
    const ekb_peer_shapes *s = k->shapes;
    dnnl_layer_normalization_desc_t layer;
    dnnl_batch_normalization_desc_t batch;
    const void *desc = k->layer ? (const void *)&layer : (const void *)&batch;
    dnnl_status_t status = k->layer ? dnnl_layer_normalization_backward_desc_init(
                                          &layer, dnnl_backward, &s->data, &s->data, &s->statistics, k->epsilon, affine)
                                    : dnnl_batch_normalization_backward_desc_init(&batch, dnnl_backward, &s->data,
                                                                                  &s->data, k->epsilon, affine);
    return status == dnnl_success ? dnnl_primitive_desc_create(pd, desc, NULL, k->engine, hint) : status;
}

#else

dnnl_status_t ekb_describe(dnnl_memory_desc_t *md, int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
    return dnnl_memory_desc_create_with_tag(md, rank, dims, dnnl_f32, tag);
}

void ekb_forget(ekb_peer_shapes *s) {
    dnnl_memory_desc_t made[] = {s->data, s->channels, s->statistics};
    for (int i = 0; i < 3; i++) {
        if (made[i] != NULL) (void)dnnl_memory_desc_destroy(made[i]);
    }
}

dnnl_status_t ekb_memory_of(dnnl_memory_t *memory, const dnnl_memory_desc_t *md, dnnl_engine_t engine, void *data) {
    return dnnl_memory_create(memory, *md, engine, data);
}

static dnnl_status_t forward(const ekb_peer_kind *k, dnnl_prop_kind_t prop, unsigned flags, dnnl_primitive_desc_t *pd) {
    const ekb_peer_shapes *s = k->shapes;
    return k->layer ? dnnl_layer_normalization_forward_primitive_desc_create(pd, k->engine, prop, s->data, s->data,
                                                                             s->statistics, k->epsilon, flags, NULL)
                    : dnnl_batch_normalization_forward_primitive_desc_create(pd, k->engine, prop, s->data, s->data,
                                                                             k->epsilon, flags, NULL);
}

static dnnl_status_t backward(const ekb_peer_kind *k, dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *pd) {
    const ekb_peer_shapes *s = k->shapes;
    return k->layer ? dnnl_layer_normalization_backward_primitive_desc_create(pd, k->engine, dnnl_backward, s->data,
                                                                              s->data, s->data, s->statistics,
                                                                              k->epsilon, affine, hint, NULL)
                    : dnnl_batch_normalization_backward_primitive_desc_create(
                          pd, k->engine, dnnl_backward, s->data, s->data, s->data, k->epsilon, affine, hint, NULL);
}

#endif

dnnl_status_t ekb_forward(const ekb_peer_kind *kind, bool training, dnnl_primitive_desc_t *pd) {
    dnnl_prop_kind_t prop = training ? dnnl_forward_training : dnnl_forward_inference;
    return forward(kind, prop, flags_of(kind, training), pd);
}

dnnl_status_t ekb_backward(const ekb_peer_kind *kind, dnnl_primitive_desc_t *pd) {
    dnnl_primitive_desc_t hint = NULL;
    dnnl_status_t status = ekb_forward(kind, true, &hint);
    if (status == dnnl_success) status = backward(kind, hint, pd);
    if (hint != NULL) (void)dnnl_primitive_desc_destroy(hint);
    return status;
}
