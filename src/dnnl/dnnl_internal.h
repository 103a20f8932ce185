/* dnnl_internal.h: shared by the files of this folder, and the only header of Evenkeel that includes dnnl.h.
 *
 * A primitive (eki_prim) is oneDNN's object plus the memory shapes it reads and writes. What differs between oneDNN
 * 2.x and 3.x is in dnnl_calls.c: descriptors by value, operation descriptors, and walking through implementations.
 */
#ifndef EKI_DNNL_INTERNAL_H
#define EKI_DNNL_INTERNAL_H

#include "dnnl/adapter.h"

#include "base/memory.h"

#include <dnnl.h>
#include <dnnl_debug.h>

typedef dnnl_memory_desc_t eki_md;

static inline size_t eki_dnnl_unit(eki_dnnl_form form) { return form.dtype == EK_BF16 ? 2 : sizeof(float); }

typedef struct eki_prim {
    dnnl_primitive_t handle; /* NULL = not made */
    eki_md src, weights, bias, dst, scratch, workspace;
    size_t scratch_bytes, weight_bytes, workspace_bytes;
    char name[64]; /* oneDNN's name of the implementation */
} eki_prim;

typedef struct eki_arg {
    int what; /* DNNL_ARG_... */
    const eki_md *md;
    const void *data;
} eki_arg;

typedef enum eki_pass_kind { EKI_PASS_FORWARD = 0, EKI_PASS_DATA = 1, EKI_PASS_WEIGHTS = 2 } eki_pass_kind;

/* Who adds the residual: nobody or a loop behind, the primitive from where it lies, or the primitive to what lies in
 * the result already. */
typedef enum eki_adding { EKI_ADD_APART = 0, EKI_ADD_BINARY = 1, EKI_ADD_SUM = 2 } eki_adding;

/* A convolution in oneDNN's terms. */
typedef struct eki_geometry {
    int ndims; /* 3 to 5 */
    bool grouped, bias, bf16;
    eki_adding residual;
    eki_activation activation; /* the primitive ends with it */
    dnnl_dims_t src, weights, dst, strides, dilates, pad_begin, pad_end;
    dnnl_format_tag_t src_tag, dst_tag;
    const eki_md *weights_md; /* NULL = whichever layout the implementation likes */
} eki_geometry;

/* ---- dnnl_common.c ---- */
dnnl_engine_t eki_dnnl_engine(void); /* NULL = oneDNN could not make one */
ek_status eki_dnnl_fail(ek_error *err, dnnl_status_t found, const char *what, const char *shape);
/* A primitive is made and runs at one thread count: enter sets it and returns the caller's, leave sets that back. */
int eki_dnnl_enter(int threads);
void eki_dnnl_leave(int threads);
dnnl_format_tag_t eki_dnnl_tag(ek_layout layout, int ndims);
int64_t eki_dnnl_padded(ek_layout layout, int64_t channels);
bool eki_is_blocked(ek_layout layout);
size_t eki_round64(size_t bytes);
/* The next `bytes` of scratch memory, 64-byte aligned. */
void *eki_carve(char **at, size_t bytes);
void eki_prim_destroy(eki_prim *prim);
ek_status eki_prim_run(const eki_prim *prim, const eki_arg *args, int count, const char *what, ek_error *err);

/* ---- dnnl_calls.c: calls that differ between oneDNN 2.x and 3.x ---- */
dnnl_status_t eki_md_make(eki_md *md, int ndims, const dnnl_dims_t dims, bool bf16, dnnl_format_tag_t tag);
size_t eki_md_bytes(const eki_md *md);
/* The best implementation: rank 0 = direct, 1 = channels-last gemm, 2 = reference, 3 = another gemm. */
dnnl_status_t eki_conv_find(const eki_geometry *geometry, eki_pass_kind kind, dnnl_primitive_desc_t *pd, int *rank);
/* The implementation of that name, with residual and activation taken in; unimplemented where there is no such. */
dnnl_status_t eki_conv_find_with_tail(const eki_geometry *geometry, const char *name, dnnl_primitive_desc_t *pd);
const char *eki_implementation(const_dnnl_primitive_desc_t pd);
dnnl_status_t eki_conv_make(eki_prim *prim, eki_pass_kind kind, const_dnnl_primitive_desc_t pd);
dnnl_status_t eki_reorder_make(eki_prim *prim, const eki_md *from, const eki_md *to);
dnnl_status_t eki_pool_make(eki_prim *forward, eki_prim *backward, const eki_pool_desc *desc, int ndims,
                            const dnnl_dims_t src, const dnnl_dims_t dst);

/* ---- Convolution ---- */

/* One direction of a convolution as it runs: its layouts, and its channels, padded to whole blocks. */
typedef struct eki_pass {
    eki_prim prim;
    eki_prim reorder; /* weights: plain -> the primitive's layout, or back for their gradient */
    ek_layout src_layout, dst_layout;
    int64_t c, o, groups;
    size_t plain_bytes; /* weights in plain order with padded channels */
    bool bias;
    eki_adding adds;
    bool padded; /* these differ from the caller's weights */
} eki_pass;

struct eki_conv {
    eki_conv_desc desc;
    bool product;    /* a product of matrices: rows lie along the width, chunks are rows */
    bool transposed; /* plain weights are [C, O] */
    bool empty;      /* some extent is zero: nothing to compute */
    int64_t src_space, dst_space, taps;
    eki_pass pass[3];
    eki_pass activated;    /* forward with the activation in the primitive; no handle = it comes behind */
    eki_pass tail;         /* weight gradient of the last chunk where it is smaller */
    int64_t chunk, chunks; /* 0 = no chunks: the ordinary primitive */
    int slots;             /* chunks computed at a time */
    int levels;            /* of the summation tree */
    size_t scratch_bytes;
};

/* dnnl_conv.c */
void eki_conv_text(const eki_conv *conv, char text[256]);
ek_status eki_conv_create_as(const eki_conv_desc *desc, bool product, bool transposed, eki_conv **conv, ek_error *err);

/* dnnl_pass.c */
enum { EKI_FIRST_LAYER_CHANNELS = 3 }; /* so many are read in plain layout */
/* Whether the channels of each group fill blocks: depthwise ones and those without groups are padded to. */
bool eki_conv_fits_blocks(const eki_conv_desc *desc, ek_layout block);
/* `like` (may be NULL): run in the layouts of that pass, those of its weights included. */
ek_status eki_pass_create(const eki_conv *conv, eki_pass_kind kind, int64_t units, int threads, const eki_pass *like,
                          eki_pass *pass, ek_error *err);
/* The forward pass `plain` once more, with the activation in its primitive; nothing where oneDNN has no such. */
ek_status eki_pass_create_activated(const eki_conv *conv, int64_t units, const eki_pass *plain, eki_pass *pass,
                                    ek_error *err);
void eki_pass_destroy(eki_pass *pass);

/* dnnl_conv_tail.c: adds `residual` (may be NULL), then the activation, where the primitive did not. */
void eki_conv_finish(const eki_conv *conv, const void *residual, eki_activation activation, void *dst);
/* Copies the residual to where a primitive adds to it. */
void eki_conv_preset(const eki_conv *conv, const void *residual, void *dst);

/* dnnl_pass_data.c: what surrounds a primitive. Scratch is carved from *at; `bytes` of 0 = the caller's own memory. */
eki_dnnl_form eki_conv_form(const eki_conv *conv, ek_layout layout); /* src and dst in a layout */
size_t eki_pass_src_bytes(const eki_conv *conv, const eki_pass *pass);
size_t eki_pass_dst_bytes(const eki_conv *conv, const eki_pass *pass);
ek_status eki_pass_read_src(const eki_conv *conv, const eki_pass *pass, const void *src, char **at, const void **x,
                            ek_error *err);
ek_status eki_pass_read_dst(const eki_conv *conv, const eki_pass *pass, const void *ddst, char **at, const void **x,
                            ek_error *err);
ek_status eki_pass_write_src(const eki_conv *conv, const eki_pass *pass, const void *result, void *dsrc, ek_error *err);
ek_status eki_pass_write_dst(const eki_conv *conv, const eki_pass *pass, const void *result, void *dst, ek_error *err);
/* Plain weights into the primitive's layout, through `padded` where the pass pads; `scratch` is the reorder's. */
ek_status eki_pass_read_weights(const eki_conv *conv, const eki_pass *pass, const float *weights, float *padded,
                                void *prepared, void *scratch, ek_error *err);
ek_status eki_pass_write_weights(const eki_conv *conv, const eki_pass *pass, const float *gradient, float *padded,
                                 float *dweights, void *scratch, ek_error *err);
size_t eki_pass_work_bytes(const eki_pass *pass); /* of the primitive or the reorder, which never run together */

/* dnnl_conv_backward.c */
size_t eki_conv_backward_bytes(const eki_conv *conv);
size_t eki_gradient_bytes(const eki_pass *pass); /* weight gradient, then bias gradient, each rounded to 64 */
ek_status eki_gradient_run(const eki_pass *pass, const void *src, const void *ddst, float *result, void *scratch,
                           ek_error *err);

/* dnnl_chunks.c */
size_t eki_chunk_bytes(const eki_conv *conv);
ek_status eki_chunk_run(const eki_conv *conv, const void *src, const void *ddst, float *result, char *scratch,
                        ek_error *err);

#endif
