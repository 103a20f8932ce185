/* failing.h: an allocation that fails. For the one source of a program whose linker sends our own objects' allocations
 * through these functions (ek_wrap in CMake); those of libraries are not touched. */
#ifndef EKT_FAILING_H
#define EKT_FAILING_H

#include <stddef.h>

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *pointer, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *pointer, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);

static long countdown = -1; /* the allocation at 0 fails; negative = none */

static int fails(void) { return countdown >= 0 && countdown-- == 0; }

void *__wrap_malloc(size_t bytes) { return fails() ? NULL : __real_malloc(bytes); }
void *__wrap_calloc(size_t count, size_t bytes) { return fails() ? NULL : __real_calloc(count, bytes); }
void *__wrap_realloc(void *pointer, size_t bytes) { return fails() ? NULL : __real_realloc(pointer, bytes); }
void *__wrap_aligned_alloc(size_t alignment, size_t bytes) {
    return fails() ? NULL : __real_aligned_alloc(alignment, bytes);
}

#endif
