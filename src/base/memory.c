/* memory.c: aligned allocation and arenas over malloc. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void *eki_alloc(size_t bytes) {
    if (bytes > SIZE_MAX - EKI_ALIGNMENT) return NULL;
    size_t rounded = (bytes + EKI_ALIGNMENT - 1) / EKI_ALIGNMENT * EKI_ALIGNMENT;
    return aligned_alloc(EKI_ALIGNMENT, rounded ? rounded : EKI_ALIGNMENT);
}

void *eki_alloc_zero(size_t bytes) {
    void *pointer = eki_alloc(bytes);
    if (pointer != NULL) memset(pointer, 0, bytes);
    return pointer;
}

void eki_free(void *pointer) { free(pointer); }

void *eki_allocator_alloc(const ek_allocator *allocator, size_t bytes) {
    if (allocator == NULL || allocator->alloc == NULL) return eki_alloc(bytes);
    return allocator->alloc(allocator->context, bytes);
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
    size_t bytes;
    if (!eki_mul_size(wanted, item_bytes, &bytes)) return false;
    void *grown = realloc(*array, bytes);
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

void *eki_arena_alloc(eki_arena *arena, size_t bytes) {
    if (bytes > SIZE_MAX / 2) return NULL;
    size_t rounded = (bytes + 15) / 16 * 16;
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
    char *copy = eki_arena_alloc(arena, length + 1);
    if (copy != NULL && length > 0) memcpy(copy, text, length);
    return copy;
}

char *eki_arena_strdup(eki_arena *arena, const char *text) { return eki_arena_strndup(arena, text, strlen(text)); }

void *eki_arena_memdup(eki_arena *arena, const void *data, size_t bytes) {
    void *copy = eki_arena_alloc(arena, bytes);
    if (copy != NULL && bytes > 0) memcpy(copy, data, bytes);
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
