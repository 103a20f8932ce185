/* prefetch.h: background threads that fill numbered slots ahead of their use.
 *
 * Work items have numbers first .. end-1 and a number of parts each; item n is made in slot n % slots. The consumer
 * holds one item at a time; the threads work at most slots - 1 items ahead of it. They take parts in order, each
 * whichever comes next. Equivalent serial loop, which `slots` = 1 really is:
 *     for (n = first; n < end; n++)
 *         for (part = 0; part < parts; part++) fill(context, {n, part, n % slots, 0}, err);
 */
#ifndef EKI_PREFETCH_H
#define EKI_PREFETCH_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct eki_prefetch_part {
    int64_t number;
    size_t part, slot;
    int thread; /* who fills it: below `threads` */
} eki_prefetch_part;

typedef struct eki_prefetch_work {
    size_t slots, parts;
    int threads; /* as many of them as the system makes; one is needed */
    ek_status (*fill)(void *context, const eki_prefetch_part *part, ek_error *err);
    void *context;
} eki_prefetch_work;

typedef struct eki_prefetch eki_prefetch;

ek_status eki_prefetch_create(const eki_prefetch_work *work, eki_prefetch **prefetch, ek_error *err);
void eki_prefetch_destroy(eki_prefetch *prefetch); /* accepts NULL; waits for the threads */

/* Stops the threads. After it, what `fill` reads may be changed until the next start. */
void eki_prefetch_stop(eki_prefetch *prefetch);

/* Stops, then begins anew with items first .. end-1. */
ek_status eki_prefetch_start(eki_prefetch *prefetch, int64_t first, int64_t end, ek_error *err);

/* Gives back the item held before and waits for the next: its number, or -1 when all are done. An error of `fill` comes
 * at the item where it happened, that of its first part that failed, and again at every later call. */
ek_status eki_prefetch_next(eki_prefetch *prefetch, int64_t *number, ek_error *err);

#endif
