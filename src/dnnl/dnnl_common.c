/* dnnl_common.c: the engine, threads, layouts, running a primitive.
 *
 * One CPU engine serves all threads; streams and memory objects are made per call and cost little (they hold no data).
 * Memory shapes given to oneDNN never have padding of their own: a blocked tensor of 20 channels is described as one of
 * 32 (the same bytes), so that oneDNN has no padding to clear and small channel counts get its fast implementations.
 */
#include "dnnl/dnnl_internal.h"

#include "base/threads.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static dnnl_engine_t engine;
static char description[64];
static ek_layout block;
static bool has_bf16, has_tiles;

static void start(void) {
    if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success) engine = NULL;
    unsigned isa = (unsigned)dnnl_get_effective_cpu_isa();
    const unsigned core = (unsigned)dnnl_cpu_isa_avx512_core, mic = (unsigned)dnnl_cpu_isa_avx512_mic;
    bool avx512 = (isa & core) == core || (isa & mic) == mic;
    block = avx512 ? EK_LAYOUT_BLOCKED16 : EK_LAYOUT_BLOCKED8;
    const unsigned bf16 = (unsigned)dnnl_cpu_isa_avx512_core_bf16;
    const unsigned amx = (unsigned)dnnl_cpu_isa_avx512_core_amx;
    has_bf16 = (isa & bf16) == bf16;
    has_tiles = (isa & amx) == amx;
    const char *name = avx512 ? "AVX512_CORE" : (isa & (unsigned)dnnl_cpu_isa_avx2) == 7u ? "AVX2" : "SSE41";
    const dnnl_version_t *version = dnnl_version();
    (void)snprintf(description, sizeof description, "%d.%d.%d %s", version->major, version->minor, version->patch,
                   name);
}

dnnl_engine_t eki_dnnl_engine(void) {
    (void)pthread_once(&once, start);
    return engine;
}

ek_layout eki_dnnl_block(void) {
    (void)eki_dnnl_engine();
    return block;
}

const char *eki_dnnl_describe(void) {
    (void)eki_dnnl_engine();
    return description;
}

bool eki_dnnl_has_bf16(void) {
    (void)eki_dnnl_engine();
    return has_bf16;
}

bool eki_dnnl_has_tiles(void) {
    (void)eki_dnnl_engine();
    return has_tiles;
}

ek_status eki_dnnl_fail(ek_error *err, dnnl_status_t found, const char *what, const char *shape) {
    ek_status status = found == dnnl_out_of_memory       ? EK_ERR_NOMEM
                       : found == dnnl_invalid_arguments ? EK_ERR_SHAPE
                                                         : EK_ERR_UNSUPPORTED;
    return eki_fail(err, status, "oneDNN %s: %s of %s failed with %s", eki_dnnl_describe(), what, shape,
                    dnnl_status2str(found));
}

int eki_dnnl_enter(int threads) {
    int before = eki_threads_get();
    if (threads != before) eki_threads_set(threads);
    return before;
}

void eki_dnnl_leave(int threads) {
    if (threads != eki_threads_get()) eki_threads_set(threads);
}

bool eki_is_blocked(ek_layout layout) { return layout == EK_LAYOUT_BLOCKED8 || layout == EK_LAYOUT_BLOCKED16; }

dnnl_format_tag_t eki_dnnl_tag(ek_layout layout, int ndims) {
    static const dnnl_format_tag_t tags[4][3] = {
        {dnnl_abc, dnnl_abcd, dnnl_abcde},
        {dnnl_acb, dnnl_acdb, dnnl_acdeb},
        {dnnl_aBc8b, dnnl_aBcd8b, dnnl_aBcde8b},
        {dnnl_aBc16b, dnnl_aBcd16b, dnnl_aBcde16b},
    };
    int row = layout == EK_LAYOUT_NCHW ? 0 : layout == EK_LAYOUT_NHWC ? 1 : layout == EK_LAYOUT_BLOCKED8 ? 2 : 3;
    return tags[row][ndims - 3];
}

int64_t eki_dnnl_padded(ek_layout layout, int64_t channels) {
    int64_t size = (int64_t)layout;
    return eki_is_blocked(layout) ? (channels + size - 1) / size * size : channels;
}

size_t eki_round64(size_t bytes) { return (bytes + 63) / 64 * 64; }

void *eki_carve(char **at, size_t bytes) {
    char *result = *at;
    *at += eki_round64(bytes);
    return result;
}

void eki_prim_destroy(eki_prim *prim) {
    if (prim->handle != NULL) (void)dnnl_primitive_destroy(prim->handle);
    prim->handle = NULL;
}

enum { MOST_ARGS = 6 };

ek_status eki_prim_run(const eki_prim *prim, const eki_arg *args, int count, const char *what, ek_error *err) {
    dnnl_exec_arg_t given[MOST_ARGS];
    dnnl_memory_t memory[MOST_ARGS] = {NULL};
    dnnl_stream_t stream = NULL;
    dnnl_status_t status = dnnl_stream_create(&stream, eki_dnnl_engine(), dnnl_stream_default_flags);
    int used = 0;
    for (int i = 0; i < count && status == dnnl_success; i++) {
        if (args[i].data == NULL) continue;
        union {
            const void *in;
            void *out;
        } data = {.in = args[i].data}; /* oneDNN takes inputs as non-const and does not write them */
        status = dnnl_memory_create(&memory[used], args[i].md, eki_dnnl_engine(), data.out);
        given[used] = (dnnl_exec_arg_t){args[i].what, memory[used]};
        if (status == dnnl_success) used++;
    }
    if (status == dnnl_success) status = dnnl_primitive_execute(prim->handle, stream, used, given);
    if (status == dnnl_success) status = dnnl_stream_wait(stream);
    for (int i = 0; i < used; i++) (void)dnnl_memory_destroy(memory[i]);
    if (stream != NULL) (void)dnnl_stream_destroy(stream);
    return status == dnnl_success ? EK_OK : eki_dnnl_fail(err, status, what, prim->name);
}

typedef struct zero_job {
    char *data;
    size_t unit;
    int64_t blocks, size, used, space;
} zero_job;

static void zero_task(void *argument, size_t index) {
    const zero_job *job = argument;
    const size_t line = (size_t)job->size * job->unit, used = (size_t)job->used * job->unit;
    char *last = job->data + (size_t)((((int64_t)index + 1) * job->blocks - 1) * job->space) * line;
    for (int64_t s = 0; s < job->space; s++, last += line) memset(last + used, 0, line - used);
}

void eki_zero_padding(void *data, eki_dnnl_form form, int64_t n, int64_t channels, int64_t space, int threads) {
    int64_t size = (int64_t)form.layout;
    if (!eki_is_blocked(form.layout) || channels % size == 0) return;
    zero_job job = {data, eki_dnnl_unit(form), (channels + size - 1) / size, size, channels % size, space};
    eki_parallel_for(&(ek_parallel){.threads = threads}, (size_t)n, zero_task, &job);
}
