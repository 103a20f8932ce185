/* driver.h: what the fuzz targets share: a random walk and replays for ctest, and libFuzzer's entries.
 *
 *     TARGET                 each seed changed at random, and the corpus (this is what ctest runs)
 *     TARGET FILE...         replays files, such as a crash
 *     TARGET --write FOLDER  writes seeds for a fuzzer
 *     TARGET --pack FOLDER FILE
 *                            writes corpus.pack, from a folder that a fuzzer has made small
 */
#ifndef FUZZ_DRIVER_H
#define FUZZ_DRIVER_H

#include <evenkeel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void fuzz_each(void *context, const uint8_t *data, size_t size);

typedef struct fuzz_target {
    const char *name;
    const char *corpus; /* folder below tests/fuzz: files that once found a fault */
    const char *pack;   /* files that reach what a fuzzer has reached, in tests/fuzz; NULL = none */
    long packed;        /* that are in there at least */
    int changes;        /* of each seed, in the random walk */
    void (*run)(const uint8_t *data, size_t size);
    void (*seeds)(fuzz_each *each, void *context);
    /* Changes bytes in place; the new size, 0 = nothing could be changed. */
    size_t (*mutate)(uint8_t *data, size_t size, size_t room, uint64_t seed);
    bool (*came_far)(void); /* says how far the walk came; false = nothing was tried */
} fuzz_target;

/* Each target defines it. */
extern const fuzz_target fuzz_here;

/* Ends the program: a finding. */
void fuzz_stop(const char *what, const ek_error *err) __attribute__((noreturn));
/* Tells the library that it has as much memory again as an input may use; done before each. */
void fuzz_leave_room(void);
/* Whether the call failed; a failure without a reason is a finding. */
bool fuzz_failed(ek_status status, const char *what, const ek_error *err);

#endif
