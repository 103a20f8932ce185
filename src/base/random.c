/* random.c: Philox4x32-10 and the distributions built on it.
 *
 * The constants are those of "Parallel random numbers: as easy as 1, 2, 3" (Salmon, Moraes, Dror, Shaw, SC 2011).
 */
#include "base/random.h"

#include <math.h>
#include <string.h>

__extension__ typedef unsigned __int128 eki_u128;

static void philox_round(uint32_t c[4], const uint32_t k[2]) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c[0];
    uint64_t p1 = (uint64_t)0xCD9E8D57u * c[2];
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c[1] ^ k[0];
    uint32_t n2 = (uint32_t)(p0 >> 32) ^ c[3] ^ k[1];
    c[0] = n0;
    c[1] = (uint32_t)p1;
    c[2] = n2;
    c[3] = (uint32_t)p0;
}

void eki_random_block(eki_random random, uint64_t counter, uint32_t out[4]) {
    uint32_t c[4] = {(uint32_t)counter, (uint32_t)(counter >> 32), (uint32_t)random.stream,
                     (uint32_t)(random.stream >> 32)};
    uint32_t k[2] = {(uint32_t)random.seed, (uint32_t)(random.seed >> 32)};
    for (int round = 0; round < 10; round++) {
        philox_round(c, k);
        k[0] += 0x9E3779B9u;
        k[1] += 0xBB67AE85u;
    }
    memcpy(out, c, sizeof c);
}

static uint64_t mix(uint64_t h) {
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdULL;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53ULL;
    return h ^ (h >> 33);
}

uint64_t eki_hash(const void *data, size_t bytes) {
    const unsigned char *p = data;
    uint64_t h = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < bytes; i++) h = (h ^ p[i]) * 0x100000001b3ULL;
    return mix(h);
}

uint64_t eki_hash_text(const char *text) { return eki_hash(text, strlen(text)); }

eki_random eki_random_stream(uint64_t seed, const char *purpose, uint64_t a, uint64_t b) {
    uint64_t h = eki_hash_text(purpose);
    h = mix(h + 0x9e3779b97f4a7c15ULL * (a + 1));
    h = mix(h + 0xbf58476d1ce4e5b9ULL * (b + 1));
    return (eki_random){.seed = seed, .stream = h};
}

uint32_t eki_random_u32(eki_random random, uint64_t counter) {
    uint32_t words[4];
    eki_random_block(random, counter, words);
    return words[0];
}

static double unit(uint32_t high, uint32_t low) {
    uint64_t bits = ((uint64_t)high << 32 | low) >> 11;
    return (double)bits * 0x1p-53;
}

double eki_random_uniform(eki_random random, uint64_t counter) {
    uint32_t w[4];
    eki_random_block(random, counter, w);
    return unit(w[0], w[1]);
}

double eki_random_normal(eki_random random, uint64_t counter) {
    uint32_t w[4];
    eki_random_block(random, counter, w);
    double radius = sqrt(-2.0 * log1p(-unit(w[0], w[1])));
    return radius * cos(6.283185307179586476925 * unit(w[2], w[3]));
}

uint64_t eki_random_below(eki_random random, uint64_t counter, uint64_t bound) {
    uint32_t w[4];
    eki_random_block(random, counter, w);
    uint64_t bits = (uint64_t)w[0] << 32 | w[1];
    return (uint64_t)(((eki_u128)bits * bound) >> 64);
}

void eki_random_permutation(uint64_t seed, const char *purpose, uint64_t epoch, uint64_t *order, size_t n) {
    eki_random random = eki_random_stream(seed, purpose, epoch, 0);
    for (size_t i = 0; i < n; i++) order[i] = i;
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)eki_random_below(random, i, i);
        uint64_t swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}
