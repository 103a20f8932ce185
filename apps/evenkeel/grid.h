/* grid.h: room for rows whose number or length a file says. */
#ifndef GRID_H
#define GRID_H

#include <stddef.h>

/* Zeros, of at least one item of `width` bytes; NULL: they do not fit the budget of memory. */
void *grid_alloc(size_t rows, size_t columns, size_t width);

#endif
