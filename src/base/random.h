/* random.h: counter-based random numbers (Philox4x32-10; Salmon et al., SC 2011).
 *
 * A number is a function of (seed, stream, counter) alone: never of the thread, rank or order of calls. A stream is
 * a hash of what the numbers are for ("shuffle", "dropout", a parameter's name) and of an epoch or step.
 */
#ifndef EKI_RANDOM_H
#define EKI_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct eki_random {
    uint64_t seed;
    uint64_t stream;
} eki_random;

/* Names a stream: purpose is a word, `a` and `b` are free (epoch, step, sample, node). */
eki_random eki_random_stream(uint64_t seed, const char *purpose, uint64_t a, uint64_t b);

/* Four 32-bit words for one counter value. */
void eki_random_block(eki_random random, uint64_t counter, uint32_t out[4]);

uint32_t eki_random_u32(eki_random random, uint64_t counter);
double eki_random_uniform(eki_random random, uint64_t counter);                 /* [0, 1), 53 bits */
double eki_random_normal(eki_random random, uint64_t counter);                  /* mean 0, deviation 1 */
uint64_t eki_random_below(eki_random random, uint64_t counter, uint64_t bound); /* [0, bound) */

/* FNV-1a with a final mix, for names. */
uint64_t eki_hash(const void *data, size_t bytes);
uint64_t eki_hash_text(const char *text);

/* Fills order with a permutation of 0..n-1 that depends on (seed, purpose, epoch) only. */
void eki_random_permutation(uint64_t seed, const char *purpose, uint64_t epoch, uint64_t *order, size_t n);

#endif
