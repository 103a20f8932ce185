/* pass.h: one visit to each of many items, in parallel, told and stopped by the caller. */
#ifndef EKI_PASS_H
#define EKI_PASS_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct eki_pass {
    size_t count;
    ek_status (*visit)(void *context, size_t index, ek_error *err); /* by several threads at a time */
    void *context;
    const char *name, *doing; /* in messages: of what, "reading" */
    int (*progress)(void *watcher, int64_t done,
                    int64_t total); /* by the caller's thread; may be NULL; nonzero stops */
    void *watcher;
} eki_pass;

/* EK_ERR_INTERRUPTED: it was stopped. The error of a visit is that of the first item that fails, whatever the threads
 * did: it is visited once more, alone, for its text. */
ek_status eki_pass_run(const eki_pass *pass, ek_error *err);

#endif
