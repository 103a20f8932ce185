/* dnnl_pool.c: maximum and average pooling.
 *
 * Each output depends on its own window and each input gradient on the windows over it, in a fixed order, so bits
 * depend neither on the batch nor on threads. Maximum pooling with backward keeps oneDNN's workspace (which element
 * won) in `saved`. Blocked tensors are described with their padded channels, which stay zero.
 */
#include "base/threads.h"
#include "dnnl/dnnl_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct eki_pool {
    eki_pool_desc desc;
    bool empty;
    eki_prim forward, backward;
};

static ek_status check(const eki_pool_desc *d, ek_error *err) {
    bool good = d->spatial >= 1 && d->spatial <= 3 && d->n >= 0 && d->c >= 0;
    for (int i = 0; good && i < d->spatial; i++) {
        good = d->in[i] >= 0 && d->out[i] >= 0 && d->kernel[i] >= 1 && d->stride[i] >= 1 && d->dilation[i] >= 1 &&
               d->pad_begin[i] >= 0;
    }
    return good ? EK_OK
                : eki_fail(err, EK_ERR_ARG, "pooling of spatial rank %d: an extent is out of range", d->spatial);
}

static ek_status make(eki_pool *pool, ek_error *err) {
    const eki_pool_desc *d = &pool->desc;
    dnnl_dims_t src = {d->n, eki_dnnl_padded(d->layout, d->c)}, dst = {src[0], src[1]};
    for (int i = 0; i < d->spatial; i++) {
        src[i + 2] = d->in[i];
        dst[i + 2] = d->out[i];
    }
    dnnl_status_t status = dnnl_runtime_error;
    int before = eki_dnnl_enter(d->threads);
    if (eki_dnnl_engine() != NULL) {
        status = eki_pool_make(&pool->forward, &pool->backward, d, d->spatial + 2, src, dst);
    }
    eki_dnnl_leave(before);
    if (status == dnnl_success) return EK_OK;
    char text[128];
    (void)snprintf(text, sizeof text, "N=%lld C=%lld, kernel %lld..., input %lld..., output %lld...", (long long)d->n,
                   (long long)d->c, (long long)d->kernel[0], (long long)d->in[0], (long long)d->out[0]);
    return eki_dnnl_fail(err, status, "pooling", text);
}

ek_status eki_pool_create(const eki_pool_desc *desc, eki_pool **pool, ek_error *err) {
    *pool = NULL;
    EKI_TRY(check(desc, err));
    eki_pool *made = eki_calloc(1, sizeof *made);
    if (made == NULL) return eki_fail_nomem(err, sizeof *made);
    made->desc = *desc;
    if (made->desc.threads < 1) made->desc.threads = eki_threads_get();
    made->empty = desc->n == 0 || desc->c == 0;
    for (int i = 0; i < desc->spatial; i++) made->empty = made->empty || desc->in[i] == 0 || desc->out[i] == 0;
    ek_status status = made->empty ? EK_OK : make(made, err);
    if (status != EK_OK) {
        eki_pool_destroy(made);
        return status;
    }
    *pool = made;
    return EK_OK;
}

void eki_pool_destroy(eki_pool *pool) {
    if (pool == NULL) return;
    eki_prim_destroy(&pool->forward);
    eki_prim_destroy(&pool->backward);
    free(pool);
}

size_t eki_pool_scratch_bytes(const eki_pool *pool) {
    size_t a = pool->forward.scratch_bytes, b = pool->backward.scratch_bytes;
    return eki_round64(a > b ? a : b);
}

size_t eki_pool_saved_bytes(const eki_pool *pool) { return pool->forward.workspace_bytes; }

static size_t unit_of(const eki_pool *pool) {
    return eki_dnnl_unit((eki_dnnl_form){.dtype = pool->desc.bf16 ? EK_BF16 : EK_F32});
}

size_t eki_pool_saved_unit(const eki_pool *pool) {
    size_t elements = eki_md_bytes(&pool->forward.dst) / unit_of(pool);
    return pool->empty || elements == 0 ? 0 : pool->forward.workspace_bytes / elements;
}

static ek_status run(const eki_pool *pool, const eki_prim *prim, const eki_arg *args, const char *what, ek_error *err) {
    int before = eki_dnnl_enter(pool->desc.threads);
    ek_status status = eki_prim_run(prim, args, 4, what, err);
    eki_dnnl_leave(before);
    return status;
}

ek_status eki_pool_forward(const eki_pool *pool, const void *src, void *dst, void *saved, void *scratch,
                           ek_error *err) {
    if (pool->empty) return EK_OK;
    const eki_prim *prim = &pool->forward;
    const eki_arg args[] = {{DNNL_ARG_SRC, &prim->src, src},
                            {DNNL_ARG_DST, &prim->dst, dst},
                            {DNNL_ARG_WORKSPACE, &prim->workspace, prim->workspace_bytes > 0 ? saved : NULL},
                            {DNNL_ARG_SCRATCHPAD, &prim->scratch, prim->scratch_bytes > 0 ? scratch : NULL}};
    return run(pool, prim, args, "pooling forward", err);
}

ek_status eki_pool_backward(const eki_pool *pool, const void *ddst, const void *saved, void *dsrc, void *scratch,
                            ek_error *err) {
    const eki_prim *prim = &pool->backward;
    if (pool->empty) {
        const eki_pool_desc *d = &pool->desc;
        int64_t count = d->n * eki_dnnl_padded(d->layout, d->c);
        for (int i = 0; i < d->spatial; i++) count *= d->in[i];
        if (count > 0) memset(dsrc, 0, (size_t)count * unit_of(pool));
        return EK_OK;
    }
    if (prim->handle == NULL) return eki_fail(err, EK_ERR_STATE, "pooling was made without backward");
    const eki_arg args[] = {{DNNL_ARG_DIFF_DST, &prim->dst, ddst},
                            {DNNL_ARG_DIFF_SRC, &prim->src, dsrc},
                            {DNNL_ARG_WORKSPACE, &prim->workspace, pool->forward.workspace_bytes > 0 ? saved : NULL},
                            {DNNL_ARG_SCRATCHPAD, &prim->scratch, prim->scratch_bytes > 0 ? scratch : NULL}};
    return run(pool, prim, args, "pooling backward", err);
}
