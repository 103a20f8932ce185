/* image_cache.c: first come, first kept. Examples are read once an epoch, in an order of its own each time, so that
 * whatever else were chosen would be found as often.
 */
#include "data/image_cache.h"

#include <string.h>

enum { BLOCK = 1 << 20, LITTLE = 64 << 20 };

/* In place of an example that is being copied. */
static const unsigned char busy[1];

ek_status eki_image_cache_init(eki_image_cache *cache, size_t count, size_t each, uint64_t most, ek_error *err) {
    memset(cache, 0, sizeof *cache);
    if (pthread_mutex_init(&cache->mutex, NULL) != 0) return eki_fail_nomem(err, sizeof cache->mutex);
    cache->count = count;
    cache->each = each;
    cache->most = most < SIZE_MAX ? (size_t)most : SIZE_MAX;
    cache->at = eki_alloc_zero(eki_size_of(count, sizeof *cache->at));
    if (cache->at != NULL) return EK_OK;
    eki_image_cache_free(cache);
    return eki_fail_nomem(err, count * sizeof *cache->at);
}

void eki_image_cache_free(eki_image_cache *cache) {
    if (cache->each == 0) return;
    pthread_mutex_destroy(&cache->mutex);
    eki_arena_free(&cache->blocks);
    eki_free(cache->at);
    memset(cache, 0, sizeof *cache);
}

const unsigned char *eki_image_cache_find(eki_image_cache *cache, size_t index) {
    const unsigned char *at = atomic_load_explicit(&cache->at[index], memory_order_acquire);
    return at != busy ? at : NULL;
}

/* Half of this process's budget stays for other things; and where it is much, a quarter of it for other processes, such
 * as ranks. */
static bool is_room(const eki_image_cache *cache) {
    size_t limit = eki_memory_limit();
    if (eki_memory_left() <= limit / 2) return false;
    return cache->blocks.used < LITTLE || eki_memory_available() > limit / 4;
}

/* A block of several examples, as large as the set at most. */
static void grow(eki_image_cache *cache) {
    size_t bytes = cache->most < BLOCK ? cache->most : cache->each < BLOCK ? BLOCK : cache->each;
    size_t fit = bytes / cache->each, many = fit < cache->count ? fit : cache->count;
    eki_size size = eki_size_of(many, cache->each);
    cache->next = many > 0 && is_room(cache) ? eki_arena_alloc(&cache->blocks, size) : NULL;
    cache->most = cache->next != NULL ? cache->most - size.bytes : 0;
    cache->left = cache->next != NULL ? size.bytes : 0;
}

/* Room for an example that nobody else brings. */
static unsigned char *claim(eki_image_cache *cache, size_t index) {
    if (atomic_load_explicit(&cache->at[index], memory_order_relaxed) != NULL) return NULL;
    if (cache->left < cache->each && cache->most > 0) grow(cache);
    if (cache->left < cache->each) return NULL;
    unsigned char *room = cache->next;
    cache->next += cache->each;
    cache->left -= cache->each;
    atomic_store_explicit(&cache->at[index], busy, memory_order_relaxed);
    return room;
}

void eki_image_cache_keep(eki_image_cache *cache, size_t index, const unsigned char *example) {
    pthread_mutex_lock(&cache->mutex);
    unsigned char *room = claim(cache, index);
    pthread_mutex_unlock(&cache->mutex);
    if (room == NULL) return;
    memcpy(room, example, cache->each);
    atomic_store_explicit(&cache->at[index], room, memory_order_release);
}
