/* memory.h: sizes that cannot wrap, aligned allocation, and arenas that are freed as a whole. */
#ifndef EKI_MEMORY_H
#define EKI_MEMORY_H

#include "base/error.h"

#include <evenkeel/parallel.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EKI_ALIGNMENT = 64 };

/* How much to allocate. Only these functions make one; what does not fit is a size that no allocator gives.
 * scripts/check_sizes.sh refuses products made otherwise, and other allocators. */
typedef struct eki_size {
    size_t bytes;
} eki_size;

eki_size eki_sized(size_t bytes);
eki_size eki_size_of(size_t count, size_t width);
eki_size eki_size_sum(eki_size a, eki_size b);

/* 64-byte aligned memory of the default allocator; NULL when there is none. Zero bytes give a valid pointer. */
void *eki_alloc(eki_size size);
void *eki_alloc_zero(eki_size size);
void eki_free(void *pointer);

/* As calloc and realloc. */
void *eki_calloc(size_t count, size_t width);
void *eki_realloc(void *old, eki_size size);

/* Aligned memory through a caller's allocator (all-zero = default). */
void *eki_allocator_alloc(const ek_allocator *allocator, eki_size size);
void eki_allocator_free(const ek_allocator *allocator, void *pointer);

/* The budget: bytes of memory that this process may take, the least of the machine's, of its control groups', of its
 * own (ulimit -v, -d, -m) and of what eki_memory_allow was told; and what of them is left. Whoever allocates what a
 * file decides asks before anything is touched, as the system may grant more and end the process later. */
size_t eki_memory_limit(void);
size_t eki_memory_left(void);

/* What the machine has to give, whoever has taken the rest; SIZE_MAX = it does not say. */
size_t eki_memory_available(void);

/* 0 = no limit but the others. */
void eki_memory_allow(size_t bytes);

/* The allocators above refuse what is more than is left: from 64 MiB on, and from 1 MiB on while eki_memory_allow has
 * set a limit. */
bool eki_memory_fits(size_t bytes);

/* EK_ERR_NOMEM where this process cannot have so much more address space: asked before another library takes it that
 * ends the process where there is none. */
ek_status eki_headroom(unsigned mebibytes, ek_error *err);

bool eki_alloc_may(eki_size size);

/* *out = a * b or a + b; false when the result does not fit. */
bool eki_mul_size(size_t a, size_t b, size_t *out);
bool eki_add_size(size_t a, size_t b, size_t *out);
bool eki_mul_i64(int64_t a, int64_t b, int64_t *out);

/* Grows a malloc'ed array so that it holds `need` items; doubles; false when memory ends. */
bool eki_grow(void **array, size_t *capacity, size_t need, size_t item_bytes);

/* Arena: many small allocations with one life. Memory is zeroed. An all-zero arena is empty and valid. */
typedef struct eki_arena {
    struct eki_arena_block *head;
    size_t used; /* bytes handed out, for budgets */
} eki_arena;

void *eki_arena_alloc(eki_arena *arena, eki_size size);
char *eki_arena_strdup(eki_arena *arena, const char *text);
char *eki_arena_strndup(eki_arena *arena, const char *text, size_t length);
void *eki_arena_memdup(eki_arena *arena, const void *data, eki_size size);
void eki_arena_free(eki_arena *arena);

#endif
