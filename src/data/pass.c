/* pass.c: in slices, so that progress is told by the caller's thread: as many items as took about as long before. */
#include "data/pass.h"

#include "base/threads.h"
#include "base/timer.h"

#include <stdatomic.h>

enum { SLICE = 4 };

/* Seconds between two calls of progress, about. */
static const double told_every = 0.2;

typedef struct running {
    const eki_pass *pass;
    size_t begin;         /* of the slice */
    atomic_size_t failed; /* smallest item that failed */
} running;

static void visit_one(void *argument, size_t index) {
    running *r = argument;
    size_t i = r->begin + index, failed = atomic_load(&r->failed);
    if (failed < i || r->pass->visit(r->pass->context, i, NULL) == EK_OK) return;
    while (i < failed && !atomic_compare_exchange_weak(&r->failed, &failed, i)) continue;
}

static ek_status run_slices(running *r, ek_error *err) {
    const eki_pass *p = r->pass;
    size_t slice = SLICE, now;
    for (r->begin = 0; r->begin < p->count && atomic_load(&r->failed) == SIZE_MAX; r->begin += now) {
        double began = eki_now();
        if (r->begin > 0 && p->progress != NULL && p->progress(p->watcher, (int64_t)r->begin, (int64_t)p->count) != 0) {
            return eki_fail(err, EK_ERR_INTERRUPTED, "%s: %s was stopped after %zu of %zu images", p->name, p->doing,
                            r->begin, p->count);
        }
        now = slice < p->count - r->begin ? slice : p->count - r->begin;
        eki_parallel_for(NULL, now, visit_one, r);
        if (eki_now() - began < told_every && slice < p->count) slice += slice;
    }
    return EK_OK;
}

ek_status eki_pass_run(const eki_pass *pass, ek_error *err) {
    running r = {.pass = pass};
    atomic_init(&r.failed, SIZE_MAX);
    EKI_TRY(run_slices(&r, err));
    size_t failed = atomic_load(&r.failed);
    if (failed == SIZE_MAX) return EK_OK;
    EKI_TRY(pass->visit(pass->context, failed, err));
    return eki_fail(err, EK_ERR_IO,
                    "%s: image %zu could not be read, but could a moment later; memory may be short, try again",
                    pass->name, failed);
}
