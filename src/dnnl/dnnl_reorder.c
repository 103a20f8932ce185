/* dnnl_reorder.c: changes of layout and of type of activations, in our own loops.
 *
 * Every layout is [N, blocks, space, block] with a block of 1 (plain), 8, 16, or all channels (channels last); channel
 * c of pixel s lies at (c / block * space + s) * block + c % block. So one loop serves all pairs: tiles of 16 channels
 * by some pixels, small enough for the first-level cache. Plain loops rather than oneDNN's reorder, because this runs
 * between other people's tensors: no primitive to make, no write into a source's padding. The loop is written once over
 * the types of source and result; where only the type changes, memory is gone through as it lies.
 */
#include "base/half.h"
#include "base/threads.h"
#include "dnnl/dnnl_internal.h"

#include <string.h>

enum { TILE_CHANNELS = 16, TILE_PIXELS = 64, GRAIN = 1 << 14 };

typedef struct change_job {
    const char *src;
    char *dst;
    int64_t channels, space, from, to;  /* from, to: block sizes */
    int64_t src_channels, dst_channels; /* stored, padding included */
    int64_t tiles;
    ek_dtype src_type, dst_type;
    size_t src_unit, dst_unit, count; /* bytes of an element; elements, where only the type changes */
} change_job;

static int64_t block_of(ek_layout layout, int64_t channels) {
    if (layout == EK_LAYOUT_NCHW) return 1;
    return layout == EK_LAYOUT_NHWC ? channels : (int64_t)layout;
}

static int64_t offset_of(int64_t channel, int64_t block, int64_t space) {
    return channel / block * block * space + channel % block;
}

/* `count` elements that lie `from` and `to` apart. */
static void copy_4(const void *src, int64_t from, void *dst, int64_t to, int64_t count) {
    const float *x = src;
    float *y = dst;
    for (int64_t s = 0; s < count; s++) y[s * to] = x[s * from];
}

static void copy_2(const void *src, int64_t from, void *dst, int64_t to, int64_t count) {
    const uint16_t *x = src;
    uint16_t *y = dst;
    for (int64_t s = 0; s < count; s++) y[s * to] = x[s * from];
}

static void narrow(const void *src, int64_t from, void *dst, int64_t to, int64_t count) {
    float line[TILE_PIXELS] = {0};
    uint16_t halves[TILE_PIXELS] = {0};
    copy_4(src, from, line, 1, count);
    eki_half_narrow(EK_BF16, line, halves, (size_t)count);
    copy_2(halves, 1, dst, to, count);
}

static void widen(const void *src, int64_t from, void *dst, int64_t to, int64_t count) {
    float line[TILE_PIXELS] = {0};
    uint16_t halves[TILE_PIXELS] = {0};
    copy_2(src, from, halves, 1, count);
    eki_half_widen(EK_BF16, halves, line, (size_t)count);
    copy_4(line, 1, dst, to, count);
}

static void change_row(const change_job *job, const char *src, char *dst, int64_t channel, int64_t begin, int64_t end) {
    const int64_t to = job->to, from = job->from;
    dst += (size_t)(offset_of(channel, to, job->space) + begin * to) * job->dst_unit;
    if (channel >= job->channels) {
        for (int64_t s = begin; s < end; s++, dst += (size_t)to * job->dst_unit) memset(dst, 0, job->dst_unit);
        return;
    }
    src += (size_t)(offset_of(channel, from, job->space) + begin * from) * job->src_unit;
    if (job->src_type != job->dst_type) {
        (job->dst_type == EK_BF16 ? narrow : widen)(src, from, dst, to, end - begin);
    } else {
        (job->src_unit == 2 ? copy_2 : copy_4)(src, from, dst, to, end - begin);
    }
}

/* Both layouts have the tile's channels side by side: a line of memory for each pixel. */
static bool lies_in_lines(const change_job *job, int64_t first) {
    return job->src_type == job->dst_type && job->from >= TILE_CHANNELS && job->to >= TILE_CHANNELS &&
           first + TILE_CHANNELS <= job->channels;
}

static void change_lines(const change_job *job, const char *src, char *dst, int64_t first) {
    const size_t unit = job->src_unit, from = (size_t)job->from * unit, to = (size_t)job->to * unit;
    src += (size_t)offset_of(first, job->from, job->space) * unit;
    dst += (size_t)offset_of(first, job->to, job->space) * unit;
    for (int64_t s = 0; s < job->space; s++) {
        memcpy(dst + (size_t)s * to, src + (size_t)s * from, TILE_CHANNELS * unit);
    }
}

/* One example, TILE_CHANNELS channels. */
static void change_task(void *argument, size_t index) {
    const change_job *job = argument;
    int64_t n = (int64_t)index / job->tiles, first = (int64_t)index % job->tiles * TILE_CHANNELS;
    int64_t last = first + TILE_CHANNELS < job->dst_channels ? first + TILE_CHANNELS : job->dst_channels;
    const char *src = job->src + (size_t)(n * job->src_channels * job->space) * job->src_unit;
    char *dst = job->dst + (size_t)(n * job->dst_channels * job->space) * job->dst_unit;
    if (lies_in_lines(job, first)) {
        change_lines(job, src, dst, first);
        return;
    }
    for (int64_t begin = 0; begin < job->space; begin += TILE_PIXELS) {
        int64_t end = begin + TILE_PIXELS < job->space ? begin + TILE_PIXELS : job->space;
        for (int64_t c = first; c < last; c++) change_row(job, src, dst, c, begin, end);
    }
}

/* The layout stays. */
static void retype_grain(void *argument, size_t index) {
    const change_job *job = argument;
    size_t begin = index * GRAIN, count = job->count - begin < GRAIN ? job->count - begin : GRAIN;
    const char *src = job->src + begin * job->src_unit;
    char *dst = job->dst + begin * job->dst_unit;
    if (job->src_type == job->dst_type) {
        memcpy(dst, src, count * job->src_unit);
    } else if (job->dst_type == EK_BF16) {
        eki_half_narrow(EK_BF16, (const float *)(const void *)src, dst, count);
    } else {
        eki_half_widen(EK_BF16, src, (float *)(void *)dst, count);
    }
}

ek_status eki_reorder(const void *src, eki_dnnl_form from, void *dst, eki_dnnl_form to, int rank, const int64_t *dims,
                      int threads, ek_error *err) {
    ek_parallel parallel = {.threads = threads};
    if (rank < 1 && from.layout != to.layout)
        return eki_fail(err, EK_ERR_SHAPE, "a layout change needs a tensor of rank 1 or more, not %d", rank);
    int64_t n = rank > 0 ? dims[0] : 1, channels = rank > 1 ? dims[1] : 1, space = 1;
    for (int i = 2; i < rank; i++) space *= dims[i];
    if (n <= 0 || channels <= 0 || space <= 0) return EK_OK;
    change_job job = {.src = src,
                      .dst = dst,
                      .channels = channels,
                      .space = space,
                      .from = block_of(from.layout, channels),
                      .to = block_of(to.layout, channels),
                      .src_channels = eki_dnnl_padded(from.layout, channels),
                      .dst_channels = eki_dnnl_padded(to.layout, channels),
                      .src_type = from.dtype,
                      .dst_type = to.dtype,
                      .src_unit = eki_dnnl_unit(from),
                      .dst_unit = eki_dnnl_unit(to)};
    if (job.from == job.to) {
        job.count = (size_t)(n * job.dst_channels * space);
        eki_parallel_for(&parallel, (job.count + GRAIN - 1) / GRAIN, retype_grain, &job);
        return EK_OK;
    }
    if (n * job.dst_channels * space <= GRAIN) parallel.threads = 1; /* waking others takes longer */
    job.tiles = (job.dst_channels + TILE_CHANNELS - 1) / TILE_CHANNELS;
    eki_parallel_for(&parallel, (size_t)(n * job.tiles), change_task, &job);
    return EK_OK;
}
