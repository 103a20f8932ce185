/* parallel.h: the two seams through which Evenkeel takes memory and starts threads.
 *
 * Both are structs of a context pointer and functions, copied by the call that receives them. All-zero means the
 * default: malloc and free; OpenMP where the library was built with it, else one thread.
 */
#ifndef EVENKEEL_PARALLEL_H
#define EVENKEEL_PARALLEL_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Memory seam. `alloc` returns NULL when it cannot; alignment is at least 64 bytes. `release` accepts NULL. */
typedef struct ek_allocator {
    void *context;
    void *(*alloc)(void *context, size_t bytes);
    void (*release)(void *context, void *pointer);
} ek_allocator;

/* Thread seam. Equivalent serial loop:
 *     for (size_t i = 0; i < tasks; i++) body(argument, i);
 * Tasks are independent; each index runs exactly once; `run` returns when all have finished. Results never depend on
 * how tasks are spread over threads, nor on the modes of their arithmetic: `run` is called in those of the caller, and
 * each task sets its own and gives them back. */
typedef struct ek_parallel {
    void *context;
    void (*run)(void *context, size_t tasks, void (*body)(void *argument, size_t index), void *argument);
    int threads; /* threads `run` uses, a hint for how finely to cut the work; 0 = ask OpenMP, else 1 */
} ek_parallel;

#ifdef __cplusplus
}
#endif
#endif
