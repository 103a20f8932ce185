/* guarded.h: memory whose last byte is followed by a page without access. */
#ifndef GUARDED_H
#define GUARDED_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    unsigned char *base;
    size_t bytes;
} guarded;

guarded guarded_make(size_t bytes);
void guarded_free(guarded g);

/* The last `bytes` of it. */
void *guarded_last(guarded g, size_t bytes);

#endif
