/* peer_norm.c: oneDNN's norms, as fast as a program that knows oneDNN would run them: the primitive, its memory
 * objects and the stream are made once, and blocked channels are described in whole blocks. */
#include "bench/peer_norm.h"
#include "bench/bench_internal.h"
#include "bench/peer_primitive.h"

#include <dnnl_debug.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { PEER_ARGS = 10 }; /* a backward takes the shift, too, and does not read it */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static dnnl_engine_t engine; /* NULL = oneDNN could not make one */

static void start(void) {
    if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success) engine = NULL;
}

struct ekb_peer_norm {
    ekb_peer_norm_desc desc;
    dnnl_primitive_t handle;
    dnnl_stream_t stream;
    dnnl_exec_arg_t args[PEER_ARGS];
    int used;
    char name[64];
};

static dnnl_format_tag_t tag_of(ek_layout layout) {
    switch (layout) {
    case EK_LAYOUT_NCHW: return dnnl_abcd;
    case EK_LAYOUT_NHWC: return dnnl_acdb;
    case EK_LAYOUT_BLOCKED8: return dnnl_aBcd8b;
    default: return dnnl_aBcd16b;
    }
}

static dnnl_status_t describe_shapes(const ekb_peer_norm_desc *d, ekb_peer_shapes *s) {
    const int64_t c = d->layer ? d->c : ekb_whole_blocks(d->layout, d->c);
    const dnnl_dims_t data = {d->n, c, d->h, d->w}, channels = {c}, sets = {d->layer ? d->n : c};
    dnnl_status_t status =
        d->layer ? ekb_describe(&s->data, 2, data, dnnl_ab) : ekb_describe(&s->data, 4, data, tag_of(d->layout));
    if (status == dnnl_success) status = ekb_describe(&s->channels, 1, channels, dnnl_a);
    if (status == dnnl_success) status = ekb_describe(&s->statistics, 1, sets, dnnl_a);
    return status;
}

static dnnl_status_t bind(ekb_peer_norm *peer, int what, const dnnl_memory_desc_t *md, const float *data) {
    union {
        const float *in;
        void *out;
    } memory = {.in = data}; /* oneDNN takes inputs as non-const and does not write them */
    dnnl_exec_arg_t *arg = &peer->args[peer->used];
    arg->arg = what;
    dnnl_status_t status = ekb_memory_of(&arg->memory, md, engine, memory.out);
    if (status == dnnl_success) peer->used++;
    return status;
}

static dnnl_status_t bind_all(ekb_peer_norm *peer, const ekb_peer_shapes *s, const ekb_peer_norm_buffers *b) {
    const bool backward = peer->desc.phase == EKB_PEER_BACKWARD;
    const struct {
        int what;
        const dnnl_memory_desc_t *md;
        const float *data;
        bool wanted;
    } rows[PEER_ARGS] = {{DNNL_ARG_SRC, &s->data, b->x, true},
                         {DNNL_ARG_SCALE, &s->channels, b->scale, true},
                         {DNNL_ARG_MEAN, &s->statistics, b->mean, true},
                         {DNNL_ARG_VARIANCE, &s->statistics, b->var, true},
                         {DNNL_ARG_SHIFT, &s->channels, b->bias, true},
                         {DNNL_ARG_DST, &s->data, b->y, !backward},
                         {DNNL_ARG_DIFF_DST, &s->data, b->dy, backward},
                         {DNNL_ARG_DIFF_SRC, &s->data, b->dx, backward},
                         {DNNL_ARG_DIFF_SCALE, &s->channels, b->dscale, backward},
                         {DNNL_ARG_DIFF_SHIFT, &s->channels, b->dbias, backward}};
    dnnl_status_t status = dnnl_success;
    bool layer_inference = peer->desc.layer && peer->desc.phase == EKB_PEER_INFERENCE;
    for (int i = 0; i < PEER_ARGS && status == dnnl_success; i++) {
        bool statistics = rows[i].md == &s->statistics;
        if (rows[i].wanted && !(statistics && layer_inference))
            status = bind(peer, rows[i].what, rows[i].md, rows[i].data);
    }
    return status;
}

static dnnl_status_t make(ekb_peer_norm *peer, const ekb_peer_norm_buffers *buffers) {
    const ekb_peer_norm_desc *d = &peer->desc;
    ekb_peer_shapes shapes = {0};
    dnnl_primitive_desc_t pd = NULL;
    const char *name = NULL;
    (void)pthread_once(&once, start);
    if (engine == NULL) return dnnl_runtime_error;
    dnnl_status_t status = describe_shapes(d, &shapes);
    if (status == dnnl_success) {
        const ekb_peer_kind kind = {engine, &shapes, d->layer, (float)d->epsilon};
        status = d->phase == EKB_PEER_BACKWARD ? ekb_backward(&kind, &pd)
                                               : ekb_forward(&kind, d->phase == EKB_PEER_TRAINING, &pd);
    }
    if (status == dnnl_success) status = dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, (void *)&name);
    if (status == dnnl_success) (void)snprintf(peer->name, sizeof peer->name, "%s", name);
    if (status == dnnl_success) status = dnnl_primitive_create(&peer->handle, pd);
    if (status == dnnl_success) {
        status = dnnl_stream_create(&peer->stream, engine, dnnl_stream_default_flags);
    }
    if (status == dnnl_success) status = bind_all(peer, &shapes, buffers);
    if (pd != NULL) (void)dnnl_primitive_desc_destroy(pd);
    ekb_forget(&shapes);
    return status;
}

static ek_status fail(ek_error *err, dnnl_status_t found, const char *what, const char *of) {
    ek_status status = found == dnnl_out_of_memory       ? EK_ERR_NOMEM
                       : found == dnnl_invalid_arguments ? EK_ERR_SHAPE
                                                         : EK_ERR_UNSUPPORTED;
    return ekb_fail(err, status, "oneDNN: %s of %s failed with %s", what, of, dnnl_status2str(found));
}

/* A primitive is made and runs at one thread count; returns the caller's, which is to be set again. */
static int enter(int threads) {
    int before = ekb_threads();
    ekb_threads_set(threads);
    return before;
}

ek_status ekb_peer_norm_create(const ekb_peer_norm_desc *desc, const ekb_peer_norm_buffers *buffers,
                               ekb_peer_norm **peer, ek_error *err) {
    *peer = NULL;
    ekb_peer_norm *made = calloc(1, sizeof *made);
    if (made == NULL) return ekb_fail_nomem(err, sizeof *made);
    made->desc = *desc;
    int before = enter(desc->threads);
    dnnl_status_t status = make(made, buffers);
    ekb_threads_set(before);
    if (status == dnnl_success) {
        *peer = made;
        return EK_OK;
    }
    ekb_peer_norm_destroy(made);
    return fail(err, status, desc->layer ? "layer norm" : "batch norm", "this shape and layout");
}

void ekb_peer_norm_destroy(ekb_peer_norm *peer) {
    if (peer == NULL) return;
    for (int i = 0; i < peer->used; i++) (void)dnnl_memory_destroy(peer->args[i].memory);
    if (peer->stream != NULL) (void)dnnl_stream_destroy(peer->stream);
    if (peer->handle != NULL) (void)dnnl_primitive_destroy(peer->handle);
    free(peer);
}

ek_status ekb_peer_norm_run(const ekb_peer_norm *peer, ek_error *err) {
    int before = enter(peer->desc.threads);
    dnnl_status_t status = dnnl_primitive_execute(peer->handle, peer->stream, peer->used, peer->args);
    if (status == dnnl_success) status = dnnl_stream_wait(peer->stream);
    ekb_threads_set(before);
    return status == dnnl_success ? EK_OK : fail(err, status, "a norm", peer->name);
}

const char *ekb_peer_norm_name(const ekb_peer_norm *peer) { return peer->name; }
