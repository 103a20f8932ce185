/* prefetch.h: a background thread that fills numbered slots ahead of their use.
 *
 * Work items have numbers first .. end-1; item n is made in slot n % slots. The consumer holds one item at a time; the
 * thread works at most slots - 1 items ahead of it. Equivalent serial loop, which `slots` = 1 really is:
 *     for (n = first; n < end; n++) fill(context, n, n % slots, err);
 */
#ifndef EKI_PREFETCH_H
#define EKI_PREFETCH_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef ek_status (*eki_prefetch_fill)(void *context, int64_t number, size_t slot, ek_error *err);

typedef struct eki_prefetch eki_prefetch;

ek_status eki_prefetch_create(size_t slots, eki_prefetch_fill fill, void *context, eki_prefetch **prefetch,
                              ek_error *err);
void eki_prefetch_destroy(eki_prefetch *prefetch); /* accepts NULL; waits for the thread */

/* Stops the thread. After it, what `fill` reads may be changed until the next start. */
void eki_prefetch_stop(eki_prefetch *prefetch);

/* Stops, then begins anew with items first .. end-1. */
ek_status eki_prefetch_start(eki_prefetch *prefetch, int64_t first, int64_t end, ek_error *err);

/* Gives back the item held before and waits for the next: its number, or -1 when all are done. An error of `fill` comes
 * at the item where it happened, and again at every later call. */
ek_status eki_prefetch_next(eki_prefetch *prefetch, int64_t *number, ek_error *err);

#endif
