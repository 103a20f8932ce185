/* memory.c: aligned allocation and arenas over malloc. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SHIFT = sizeof(size_t) * 8 - 1 };

/* No allocator gives this much, whatever it adds. */
static const size_t impossible = (size_t)1 << MOST_SHIFT;

enum { SMALL = 1 << 20 };

bool eki_alloc_may(eki_size size) {
#ifdef __wasm__ /* which has no limit.c: memory there ends by itself */
    return size.bytes < impossible;
#else
    return size.bytes < impossible && (size.bytes < SMALL || eki_memory_fits(size.bytes));
#endif
}

eki_size eki_sized(size_t bytes) { return (eki_size){bytes}; }

eki_size eki_size_of(size_t count, size_t width) {
    size_t bytes;
    return (eki_size){eki_mul_size(count, width, &bytes) ? bytes : impossible};
}

eki_size eki_size_sum(eki_size a, eki_size b) {
    size_t bytes;
    return (eki_size){eki_add_size(a.bytes, b.bytes, &bytes) ? bytes : impossible};
}

void *eki_alloc(eki_size size) {
    if (!eki_alloc_may(size)) return NULL;
    size_t rounded = (size.bytes + EKI_ALIGNMENT - 1) / EKI_ALIGNMENT * EKI_ALIGNMENT;
    return aligned_alloc(EKI_ALIGNMENT, rounded ? rounded : EKI_ALIGNMENT);
}

void *eki_alloc_zero(eki_size size) {
    void *pointer = eki_alloc(size);
    if (pointer != NULL) memset(pointer, 0, size.bytes);
    return pointer;
}

void *eki_calloc(size_t count, size_t width) {
    return eki_alloc_may(eki_size_of(count, width)) ? calloc(count, width) : NULL;
}

void *eki_realloc(void *old, eki_size size) { return eki_alloc_may(size) ? realloc(old, size.bytes) : NULL; }

void eki_free(void *pointer) { free(pointer); }

void *eki_allocator_alloc(const ek_allocator *allocator, eki_size size) {
    if (allocator == NULL || allocator->alloc == NULL) return eki_alloc(size);
    return eki_alloc_may(size) ? allocator->alloc(allocator->context, size.bytes) : NULL;
}

void eki_allocator_free(const ek_allocator *allocator, void *pointer) {
    if (allocator == NULL || allocator->release == NULL) {
        eki_free(pointer);
    } else {
        allocator->release(allocator->context, pointer);
    }
}

bool eki_mul_size(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }
bool eki_add_size(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }
bool eki_mul_i64(int64_t a, int64_t b, int64_t *out) { return !__builtin_mul_overflow(a, b, out); }

bool eki_grow(void **array, size_t *capacity, size_t need, size_t item_bytes) {
    if (need <= *capacity) return true;
    size_t wanted = *capacity ? *capacity : 8;
    while (wanted < need) {
        if (wanted > SIZE_MAX / 2) return false;
        wanted *= 2;
    }
    void *grown = eki_realloc(*array, eki_size_of(wanted, item_bytes));
    if (grown == NULL) return false;
    *array = grown;
    *capacity = wanted;
    return true;
}

typedef struct eki_arena_block {
    struct eki_arena_block *next;
    size_t size, used;
    _Alignas(16) unsigned char data[];
} eki_arena_block;

enum { ARENA_BLOCK = 16 * 1024 };

void *eki_arena_alloc(eki_arena *arena, eki_size wanted) {
    if (!eki_alloc_may(wanted)) return NULL;
    size_t rounded = (wanted.bytes + 15) / 16 * 16;
    eki_arena_block *block = arena->head;
    if (block == NULL || block->size - block->used < rounded) {
        size_t size = rounded > ARENA_BLOCK ? rounded : ARENA_BLOCK;
        block = calloc(1, sizeof *block + size);
        if (block == NULL) return NULL;
        block->size = size;
        block->next = arena->head;
        arena->head = block;
    }
    void *pointer = block->data + block->used;
    block->used += rounded;
    arena->used += rounded;
    return pointer;
}

char *eki_arena_strndup(eki_arena *arena, const char *text, size_t length) {
    char *copy = eki_arena_alloc(arena, eki_sized(length + 1));
    if (copy != NULL && length > 0) memcpy(copy, text, length);
    return copy;
}

char *eki_arena_strdup(eki_arena *arena, const char *text) { return eki_arena_strndup(arena, text, strlen(text)); }

void *eki_arena_memdup(eki_arena *arena, const void *data, eki_size size) {
    void *copy = eki_arena_alloc(arena, size);
    if (copy != NULL && size.bytes > 0) memcpy(copy, data, size.bytes);
    return copy;
}

void eki_arena_free(eki_arena *arena) {
    for (eki_arena_block *block = arena->head, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    arena->head = NULL;
    arena->used = 0;
}
