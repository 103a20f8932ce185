/* dnnl_reorder.c: layout changes of activations, in our own loops.
 *
 * Every layout is [N, blocks, space, block] with a block of 1 (plain), 8, 16, or all channels (channels last); channel
 * c of pixel s lies at (c / block * space + s) * block + c % block. So one loop serves all pairs: tiles of 16 channels
 * by some pixels, small enough for the first-level cache. Plain loops rather than oneDNN's reorder, because this runs
 * between other people's tensors: no primitive to make, no write into a source's padding.
 */
#include "base/threads.h"
#include "dnnl/dnnl_internal.h"

#include <string.h>

enum { TILE_CHANNELS = 16, TILE_PIXELS = 64 };

typedef struct change_job {
    const float *src;
    float *dst;
    int64_t channels, space, from, to;  /* from, to: block sizes */
    int64_t src_channels, dst_channels; /* stored, padding included */
    int64_t tiles;
} change_job;

static int64_t block_of(ek_layout layout, int64_t channels) {
    if (layout == EK_LAYOUT_NCHW) return 1;
    return layout == EK_LAYOUT_NHWC ? channels : (int64_t)layout;
}

static int64_t offset_of(int64_t channel, int64_t block, int64_t space) {
    return channel / block * block * space + channel % block;
}

static void change_row(const change_job *job, const float *src, float *dst, int64_t channel, int64_t begin,
                       int64_t end) {
    const int64_t to = job->to, from = job->from;
    dst += offset_of(channel, to, job->space);
    if (channel >= job->channels) {
        for (int64_t s = begin; s < end; s++) dst[s * to] = 0.0f;
        return;
    }
    src += offset_of(channel, from, job->space);
    for (int64_t s = begin; s < end; s++) dst[s * to] = src[s * from];
}

/* Both layouts have the tile's channels side by side: a line of memory for each pixel. */
static bool lies_in_lines(const change_job *job, int64_t first) {
    return job->from >= TILE_CHANNELS && job->to >= TILE_CHANNELS && first + TILE_CHANNELS <= job->channels;
}

static void change_lines(const change_job *job, const float *src, float *dst, int64_t first) {
    src += offset_of(first, job->from, job->space);
    dst += offset_of(first, job->to, job->space);
    for (int64_t s = 0; s < job->space; s++) {
        memcpy(dst + s * job->to, src + s * job->from, TILE_CHANNELS * sizeof(float));
    }
}

/* One example, TILE_CHANNELS channels. */
static void change_task(void *argument, size_t index) {
    const change_job *job = argument;
    int64_t n = (int64_t)index / job->tiles, first = (int64_t)index % job->tiles * TILE_CHANNELS;
    int64_t last = first + TILE_CHANNELS < job->dst_channels ? first + TILE_CHANNELS : job->dst_channels;
    const float *src = job->src + n * job->src_channels * job->space;
    float *dst = job->dst + n * job->dst_channels * job->space;
    if (lies_in_lines(job, first)) {
        change_lines(job, src, dst, first);
        return;
    }
    for (int64_t begin = 0; begin < job->space; begin += TILE_PIXELS) {
        int64_t end = begin + TILE_PIXELS < job->space ? begin + TILE_PIXELS : job->space;
        for (int64_t c = first; c < last; c++) change_row(job, src, dst, c, begin, end);
    }
}

ek_status eki_reorder(const float *src, ek_layout from, float *dst, ek_layout to, int rank, const int64_t *dims,
                      int threads, ek_error *err) {
    if (rank < 1) return eki_fail(err, EK_ERR_SHAPE, "a layout change needs a tensor of rank 1 or more, not %d", rank);
    int64_t n = dims[0], channels = rank > 1 ? dims[1] : 1, space = 1;
    for (int i = 2; i < rank; i++) space *= dims[i];
    if (n <= 0 || channels <= 0 || space <= 0) return EK_OK;
    change_job job = {.src = src,
                      .dst = dst,
                      .channels = channels,
                      .space = space,
                      .from = block_of(from, channels),
                      .to = block_of(to, channels),
                      .src_channels = eki_dnnl_padded(from, channels),
                      .dst_channels = eki_dnnl_padded(to, channels)};
    if (job.from == job.to) {
        memcpy(dst, src, (size_t)(n * job.dst_channels * space) * sizeof(float));
        return EK_OK;
    }
    job.tiles = (job.dst_channels + TILE_CHANNELS - 1) / TILE_CHANNELS;
    eki_parallel_for(&(ek_parallel){.threads = threads}, (size_t)(n * job.tiles), change_task, &job);
    return EK_OK;
}
