/* bench_support.c: errors, memory and threads, as an app has them: the library keeps its own to itself. */
#include "bench/bench_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

ek_status ekb_fail(ek_error *err, ek_status status, const char *fmt, ...) {
    if (err != NULL) {
        va_list list;
        va_start(list, fmt);
        (void)vsnprintf(err->text, sizeof err->text, fmt, list);
        va_end(list);
        err->status = status;
    }
    return status;
}

ek_status ekb_fail_nomem(ek_error *err, size_t bytes) {
    return ekb_fail(err, EK_ERR_NOMEM, "out of memory: %zu bytes were asked for", bytes);
}

void *ekb_memory(size_t bytes) { return aligned_alloc(64, bytes / 64 * 64 + 64); }

void *ekb_zeroed(size_t bytes) {
    void *memory = ekb_memory(bytes);
    return memory != NULL ? memset(memory, 0, bytes) : NULL;
}

int ekb_threads(void) {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

void ekb_threads_set(int threads) {
#ifdef _OPENMP
    if (threads > 0) omp_set_num_threads(threads);
#else
    (void)threads;
#endif
}

void ekb_tasks(int threads, size_t tasks, void (*body)(void *argument, size_t index), void *argument) {
#ifdef _OPENMP
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1 && tasks > 1)
#else
    (void)threads;
#endif
    for (size_t i = 0; i < tasks; i++) body(argument, i);
}

int64_t ekb_whole_blocks(ek_layout layout, int64_t channels) {
    int64_t size = layout == EK_LAYOUT_BLOCKED8 || layout == EK_LAYOUT_BLOCKED16 ? (int64_t)layout : 1;
    return (channels + size - 1) / size * size;
}

void ekb_split(size_t total, size_t parts, size_t part, size_t *begin, size_t *end) {
    size_t share = total / parts, rest = total % parts;
    *begin = part * share + (part < rest ? part : rest);
    *end = *begin + share + (part < rest ? 1 : 0);
}
