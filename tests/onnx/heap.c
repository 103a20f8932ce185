/* heap.c: counts bytes by malloc_usable_size, so that no headers are needed in front of the blocks. */
#include "heap.h"

#include <malloc.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *pointer);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *pointer);

static long in_use, peak, fail_at;

static int fails(void) { return fail_at > 0 && --fail_at == 0; }

static void *count(void *pointer) {
    if (pointer != NULL) in_use += (long)malloc_usable_size(pointer);
    if (in_use > peak) peak = in_use;
    return pointer;
}

void *__wrap_malloc(size_t size) { return fails() ? NULL : count(__real_malloc(size)); }
void *__wrap_calloc(size_t n, size_t size) { return fails() ? NULL : count(__real_calloc(n, size)); }

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    return fails() ? NULL : count(__real_aligned_alloc(alignment, size));
}

void *__wrap_realloc(void *old, size_t size) {
    if (fails()) return NULL;
    long before = old != NULL ? (long)malloc_usable_size(old) : 0;
    void *grown = __real_realloc(old, size);
    if (grown == NULL) return NULL;
    count(grown); /* both may have lived at once */
    in_use -= before;
    return grown;
}

void __wrap_free(void *pointer) {
    if (pointer != NULL) in_use -= (long)malloc_usable_size(pointer);
    __real_free(pointer);
}

void heap_begin(void) { in_use = peak = fail_at = 0; }
size_t heap_peak(void) { return peak > 0 ? (size_t)peak : 0; }
long heap_balance(void) { return in_use; }
void heap_fail_at(long n) { fail_at = n; }
