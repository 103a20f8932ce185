/* peer_primitive.h: where the interfaces of oneDNN 2 and 3 differ. */
#ifndef EKB_PEER_PRIMITIVE_H
#define EKB_PEER_PRIMITIVE_H

#include <dnnl.h>
#include <stdbool.h>

/* Memory shapes: of the data, of one value per channel and of the statistics. */
typedef struct ekb_peer_shapes {
    dnnl_memory_desc_t data, channels, statistics;
} ekb_peer_shapes;

typedef struct ekb_peer_kind {
    dnnl_engine_t engine;
    const ekb_peer_shapes *shapes;
    bool layer; /* else batch norm */
    float epsilon;
} ekb_peer_kind;

dnnl_status_t ekb_describe(dnnl_memory_desc_t *md, int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag);
void ekb_forget(ekb_peer_shapes *shapes);
dnnl_status_t ekb_memory_of(dnnl_memory_t *memory, const dnnl_memory_desc_t *md, dnnl_engine_t engine, void *data);

/* Forward with the statistics of the batch, kept, or with given ones. */
dnnl_status_t ekb_forward(const ekb_peer_kind *kind, bool training, dnnl_primitive_desc_t *pd);
dnnl_status_t ekb_backward(const ekb_peer_kind *kind, dnnl_primitive_desc_t *pd);

#endif
