/* dnnl_chunks.c: reproducible weight gradients.
 *
 * A primitive's weight gradient over the whole batch depends on the thread count, since threads share the images. Here
 * one-thread primitives run over chunks of a fixed number of images, and their results are summed in f64 in one tree
 * over the chunk's number (base/tree.h), whose memory grows with the logarithm of the chunk count. How many chunks are
 * computed at a time changes time and memory, never bits.
 */
#include "base/threads.h"
#include "base/tree.h"
#include "dnnl/dnnl_internal.h"

#include <stdatomic.h>
#include <string.h>

enum { SHARE = 1024, GROUP = 8 }; /* SHARE: elements that one task sums */

typedef struct chunk_job {
    const eki_conv *conv;
    const char *src, *ddst;
    float *result;
    char *slots, *work;
    double *nodes; /* of the tree: levels x count */
    double *out;   /* where the sum goes instead of result, or NULL */
    size_t count, slot_bytes, work_bytes;
    int64_t begin, end; /* chunks to sum */
    int64_t first, now; /* chunks [first, first + now) are in the slots */
    atomic_int failed;
} chunk_job;

static size_t work_bytes(const eki_conv *conv) {
    size_t a = eki_pass_work_bytes(&conv->pass[EKI_PASS_WEIGHTS]);
    size_t b = conv->tail.prim.handle != NULL ? eki_pass_work_bytes(&conv->tail) : 0;
    return a > b ? a : b;
}

/* Nodes that cover the chunks, wherever these begin. */
static size_t cover_room(const eki_conv *conv) { return 2 * (size_t)conv->levels + 1; }

size_t eki_chunk_bytes(const eki_conv *conv) {
    if (conv->chunk == 0) return 0;
    size_t gradient = eki_gradient_bytes(&conv->pass[EKI_PASS_WEIGHTS]);
    size_t nodes = (size_t)conv->levels + (conv->desc.share != NULL ? cover_room(conv) : 0);
    return (size_t)conv->slots * (gradient + work_bytes(conv)) + nodes * 2 * gradient;
}

static void compute_task(void *argument, size_t index) {
    chunk_job *job = argument;
    const eki_conv *conv = job->conv;
    int64_t chunk = job->first + (int64_t)index;
    bool last = chunk == conv->chunks - 1 && conv->tail.prim.handle != NULL;
    const eki_pass *pass = last ? &conv->tail : &conv->pass[EKI_PASS_WEIGHTS];
    int64_t unit = (int64_t)eki_dnnl_unit(eki_conv_form(conv, pass->src_layout)) * conv->chunk * chunk;
    int64_t x = pass->c * (conv->product ? 1 : conv->src_space), y = pass->o * (conv->product ? 1 : conv->dst_space);
    float *slot = (float *)(void *)(job->slots + index * job->slot_bytes);
    ek_error ignored;
    int before = eki_dnnl_enter(1);
    ek_status status = eki_gradient_run(pass, job->src + unit * x, job->ddst + unit * y, slot,
                                        job->work + index * job->work_bytes, &ignored);
    eki_dnnl_leave(before);
    if (status != EK_OK) atomic_store(&job->failed, (int)status);
}

static const float *slot_of(const chunk_job *job, int64_t slot, size_t begin) {
    return (const float *)(const void *)(job->slots + (size_t)slot * job->slot_bytes) + begin;
}

/* The node over GROUP chunks, in registers: levels 0 to 2 of the tree at once. */
static void sum_group(const chunk_job *job, int64_t slot, size_t begin, size_t count, double *sum) {
    const float *a = slot_of(job, slot, begin), *b = slot_of(job, slot + 1, begin), *c = slot_of(job, slot + 2, begin),
                *d = slot_of(job, slot + 3, begin), *e = slot_of(job, slot + 4, begin),
                *f = slot_of(job, slot + 5, begin), *g = slot_of(job, slot + 6, begin),
                *h = slot_of(job, slot + 7, begin);
    for (size_t i = 0; i < count; i++) {
        double ab = (double)a[i] + (double)b[i], cd = (double)c[i] + (double)d[i];
        double ef = (double)e[i] + (double)f[i], gh = (double)g[i] + (double)h[i];
        sum[i] = (ab + cd) + (ef + gh);
    }
}

/* Adds the chunks in the slots to the tree over chunks from `begin` on; GROUP chunks as one, wherever so many follow
 * from a multiple of GROUP. */
static void sum_task(void *argument, size_t index) {
    const chunk_job *job = argument;
    size_t begin = index * SHARE, count = job->count - begin < SHARE ? job->count - begin : SHARE;
    const eki_tree_stack tree = {job->nodes + begin, job->count * sizeof *job->nodes, count, eki_tree_add};
    int64_t step, first = job->first - job->begin;
    int held = __builtin_popcountll((unsigned long long)first);
    for (int64_t c = 0; c < job->now; c += step) {
        double *sum = job->nodes + (size_t)held * job->count + begin;
        step = job->now - c >= GROUP && (first + c) % GROUP == 0 ? GROUP : 1;
        if (step == GROUP) {
            sum_group(job, c, begin, count, sum);
        } else {
            const float *slot = slot_of(job, c, begin);
            for (size_t i = 0; i < count; i++) sum[i] = (double)slot[i];
        }
        held = eki_tree_push(&tree, held, (uint64_t)((first + c) / step));
    }
    if (job->first + job->now < job->end) return;
    eki_tree_root(&tree, held);
    const double *root = tree.values;
    if (job->out != NULL) memcpy(job->out + begin, root, count * sizeof *root);
    for (size_t i = 0; job->out == NULL && i < count; i++) job->result[begin + i] = (float)root[i];
}

/* Chunks [begin, end), which `begin` is the leftmost of. */
static ek_status sum_range(chunk_job *job, int64_t begin, int64_t end, ek_error *err) {
    const ek_parallel parallel = {.threads = job->conv->desc.threads};
    job->begin = begin;
    job->end = end;
    for (job->first = begin; job->first < end; job->first += job->now) {
        int64_t left = end - job->first;
        job->now = left < job->conv->slots ? left : job->conv->slots;
        eki_parallel_for(&parallel, (size_t)job->now, compute_task, job);
        int failed = atomic_load(&job->failed);
        if (failed != 0) return eki_fail(err, (ek_status)failed, "oneDNN failed in a chunk of a weight gradient");
        eki_parallel_for(&parallel, (job->count + SHARE - 1) / SHARE, sum_task, job);
    }
    return EK_OK;
}

static ek_status sum_share(chunk_job *job, const eki_chunk_share *share, double *cover, ek_error *err) {
    eki_tree_node nodes[EKI_TREE_COVER];
    int64_t chunks = job->conv->chunks, begin = 0;
    int n = eki_tree_cover(share->first, chunks, nodes);
    for (int i = 0; i < n; i++) {
        int64_t end = begin + ((int64_t)1 << nodes[i].level);
        job->out = cover + (size_t)i * job->count;
        EKI_TRY(sum_range(job, begin, end, err));
        begin = end;
    }
    EKI_TRY(share->sum(share->context, share->first, chunks, cover, job->count, err));
    for (size_t i = 0; i < job->count; i++) job->result[i] = (float)cover[i];
    return EK_OK;
}

ek_status eki_chunk_run(const eki_conv *conv, const void *src, const void *ddst, float *result, char *scratch,
                        ek_error *err) {
    size_t gradient = eki_gradient_bytes(&conv->pass[EKI_PASS_WEIGHTS]);
    const eki_chunk_share *share = conv->desc.share;
    chunk_job job = {.conv = conv,
                     .src = src,
                     .ddst = ddst,
                     .result = result,
                     .count = gradient / sizeof(float),
                     .slot_bytes = gradient,
                     .work_bytes = work_bytes(conv)};
    job.slots = eki_carve(&scratch, (size_t)conv->slots * gradient);
    job.nodes = eki_carve(&scratch, (size_t)conv->levels * 2 * gradient);
    double *cover = share != NULL ? eki_carve(&scratch, cover_room(conv) * 2 * gradient) : NULL;
    job.work = scratch;
    memset(job.slots, 0, (size_t)conv->slots * gradient);
    return share != NULL ? sum_share(&job, share, cover, err) : sum_range(&job, 0, conv->chunks, err);
}

size_t eki_gradient_bytes(const eki_pass *pass) {
    return eki_round64(pass->prim.weight_bytes) + eki_round64((size_t)pass->o * sizeof(float));
}

ek_status eki_gradient_run(const eki_pass *pass, const void *src, const void *ddst, float *result, void *scratch,
                           ek_error *err) {
    const eki_prim *prim = &pass->prim;
    const float *bias = result + eki_round64(prim->weight_bytes) / sizeof(float);
    const eki_arg args[] = {{DNNL_ARG_SRC, &prim->src, src},
                            {DNNL_ARG_DIFF_DST, &prim->dst, ddst},
                            {DNNL_ARG_DIFF_WEIGHTS, &prim->weights, result},
                            {DNNL_ARG_DIFF_BIAS, &prim->bias, pass->bias ? bias : NULL},
                            {DNNL_ARG_SCRATCHPAD, &prim->scratch, prim->scratch_bytes > 0 ? scratch : NULL}};
    return eki_prim_run(prim, args, 5, "convolution backward by weights", err);
}
