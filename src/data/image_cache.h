/* image_cache.h: decoded examples that are kept while there is room; what was kept stays where it is. */
#ifndef EKI_IMAGE_CACHE_H
#define EKI_IMAGE_CACHE_H

#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct eki_image_cache {
    eki_arena blocks;
    _Atomic(const unsigned char *) *at; /* by example; NULL = not kept */
    size_t count, each;                 /* examples, bytes of one */
    pthread_mutex_t mutex;
    /* under it: */
    unsigned char *next; /* room in the last block */
    size_t left, most;   /* bytes: there, and of blocks yet to come */
} eki_image_cache;

/* `most` bytes at most are kept, and none that would leave less than half of this process's budget. */
ek_status eki_image_cache_init(eki_image_cache *cache, size_t count, size_t each, uint64_t most, ek_error *err);
void eki_image_cache_free(eki_image_cache *cache);

/* NULL = it is not kept. */
const unsigned char *eki_image_cache_find(eki_image_cache *cache, size_t index);

/* Copies an example, if there is room. Any number of threads at a time. */
void eki_image_cache_keep(eki_image_cache *cache, size_t index, const unsigned char *example);

#endif
