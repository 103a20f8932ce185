/* grid.c: room for rows. */
#include "grid.h"

#include <evenkeel/memory.h>
#include <stdbool.h>
#include <stdlib.h>

void *grid_alloc(size_t rows, size_t columns, size_t width) {
    size_t count, bytes;
    bool whole = !__builtin_mul_overflow(rows, columns, &count) && !__builtin_mul_overflow(count, width, &bytes);
    return whole && bytes <= ek_memory_left() ? calloc(count ? count : 1, width) : NULL;
}
