/* grid.c: room for rows. */
#include "grid.h"

#include <stdlib.h>

void *grid_alloc(size_t rows, size_t columns, size_t width) {
    size_t count;
    return __builtin_mul_overflow(rows, columns, &count) ? NULL : calloc(count ? count : 1, width);
}
