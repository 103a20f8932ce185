/* prefetch.c: producer threads, one consumer, a ring of slots, a mutex and two conditions.
 *
 * Parts are claimed in order, and after a failure no more are: what comes before it is whole, and the first part that
 * fails is the same whatever the threads did. They block all signals: an interrupt goes to the program's own threads.
 * With one slot there are no threads at all.
 */
#include "data/prefetch.h"

#include "base/float_mode.h"
#include "base/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

typedef struct producer {
    eki_prefetch *prefetch;
    pthread_t thread;
    int index;
} producer;

struct eki_prefetch {
    eki_prefetch_work work;
    producer *producers;
    int running;  /* producers that exist; the consumer's own knowledge */
    int64_t next; /* item the consumer takes next */
    pthread_mutex_t mutex;
    pthread_cond_t made_more, freed_one;
    /* under the mutex: */
    int64_t item, freed, end; /* the item of the next claim; items before `freed` may be overwritten */
    size_t part;              /* of the next claim */
    size_t *done;             /* of each slot: parts that were filled, or failed */
    bool stop;
    ek_status failure; /* of the first part that failed */
    eki_prefetch_part failed;
    ek_error error;
};

static bool before(const eki_prefetch_part *a, const eki_prefetch_part *b) {
    return a->number < b->number || (a->number == b->number && a->part < b->part);
}

/* Waits until the next part has a slot; false = there is no more to do. */
static bool claim(eki_prefetch *p, eki_prefetch_part *part) {
    pthread_mutex_lock(&p->mutex);
    while (!p->stop && p->failure == EK_OK && p->item < p->end && p->item - p->freed >= (int64_t)p->work.slots) {
        pthread_cond_wait(&p->freed_one, &p->mutex);
    }
    bool more = !p->stop && p->failure == EK_OK && p->item < p->end;
    if (more) {
        part->number = p->item;
        part->part = p->part;
        part->slot = (size_t)p->item % p->work.slots;
        if (p->part == 0) p->done[part->slot] = 0;
        if (++p->part == p->work.parts) {
            p->part = 0;
            p->item++;
        }
    }
    pthread_mutex_unlock(&p->mutex);
    return more;
}

static void finish(eki_prefetch *p, const eki_prefetch_part *part, ek_status status, const ek_error *error) {
    pthread_mutex_lock(&p->mutex);
    p->done[part->slot]++;
    if (status != EK_OK && (p->failure == EK_OK || before(part, &p->failed))) {
        if (p->failure == EK_OK) pthread_cond_broadcast(&p->freed_one);
        p->failure = status;
        p->failed = *part;
        p->error = *error;
    }
    pthread_cond_signal(&p->made_more);
    pthread_mutex_unlock(&p->mutex);
}

static void *produce(void *argument) {
    const producer *own = argument;
    eki_prefetch *p = own->prefetch;
    eki_prefetch_part part = {.thread = own->index};
    ek_error error;
    EKI_FLOAT_DEFAULT(modes);
    memset(&error, 0, sizeof error);
    while (claim(p, &part)) finish(p, &part, p->work.fill(p->work.context, &part, &error), &error);
    return NULL;
}

static bool open_locks(eki_prefetch *p) {
    bool mutex = pthread_mutex_init(&p->mutex, NULL) == 0;
    bool more = mutex && pthread_cond_init(&p->made_more, NULL) == 0;
    if (more && pthread_cond_init(&p->freed_one, NULL) == 0) return true;
    if (more) pthread_cond_destroy(&p->made_more);
    if (mutex) pthread_mutex_destroy(&p->mutex);
    return false;
}

static void free_memory(eki_prefetch *p) {
    eki_free(p->producers);
    eki_free(p->done);
    eki_free(p);
}

ek_status eki_prefetch_create(const eki_prefetch_work *work, eki_prefetch **out, ek_error *err) {
    *out = NULL;
    eki_prefetch *p = eki_alloc_zero(eki_sized(sizeof *p));
    if (p == NULL) return eki_fail_nomem(err, sizeof *p);
    p->work = *work;
    p->producers = eki_alloc_zero(eki_size_of((size_t)work->threads, sizeof *p->producers));
    p->done = eki_alloc_zero(eki_size_of(work->slots, sizeof *p->done));
    bool locks = p->producers != NULL && p->done != NULL && open_locks(p);
    if (locks) {
        *out = p;
        return EK_OK;
    }
    bool memory = p->producers != NULL && p->done != NULL;
    free_memory(p);
    return memory ? eki_fail(err, EK_ERR_NOMEM, "the system has no more mutexes for reading data ahead")
                  : eki_fail_nomem(err, (size_t)work->threads * sizeof *p->producers);
}

void eki_prefetch_stop(eki_prefetch *p) {
    if (p->running > 0) {
        pthread_mutex_lock(&p->mutex);
        p->stop = true;
        pthread_cond_broadcast(&p->freed_one);
        pthread_mutex_unlock(&p->mutex);
        while (p->running > 0) pthread_join(p->producers[--p->running].thread, NULL);
    }
    p->end = p->next; /* until the next start there is nothing more */
}

void eki_prefetch_destroy(eki_prefetch *p) {
    if (p == NULL) return;
    eki_prefetch_stop(p);
    pthread_cond_destroy(&p->freed_one);
    pthread_cond_destroy(&p->made_more);
    pthread_mutex_destroy(&p->mutex);
    free_memory(p);
}

/* As many as the system makes. */
static ek_status start_threads(eki_prefetch *p, ek_error *err) {
    sigset_t all, signals;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &signals) != 0) {
        return eki_fail(err, EK_ERR_STATE, "cannot block signals for the thread that reads data ahead");
    }
    int rc = 0;
    while (rc == 0 && p->running < p->work.threads) {
        producer *next = &p->producers[p->running];
        *next = (producer){.prefetch = p, .index = p->running};
        rc = pthread_create(&next->thread, NULL, produce, next);
        p->running += rc == 0;
    }
    (void)pthread_sigmask(SIG_SETMASK, &signals, NULL);
    if (p->running > 0) return EK_OK;
    return eki_fail(err, EK_ERR_NOMEM,
                    "cannot start the thread that reads data ahead (%s); free some memory or "
                    "threads, or set prefetch to 0",
                    strerror(rc));
}

ek_status eki_prefetch_start(eki_prefetch *p, int64_t first, int64_t end, ek_error *err) {
    eki_prefetch_stop(p);
    p->next = p->item = p->freed = first;
    p->part = 0;
    p->end = end;
    p->stop = false;
    p->failure = EK_OK;
    if (p->work.slots == 1 || first >= end) return EK_OK;
    return start_threads(p, err);
}

static ek_status next_serial(eki_prefetch *p, int64_t *number, ek_error *err) {
    if (p->failure == EK_OK && p->next < p->end) {
        eki_prefetch_part part = {.number = p->next};
        EKI_FLOAT_DEFAULT(modes);
        for (; part.part < p->work.parts && p->failure == EK_OK; part.part++) {
            p->failure = p->work.fill(p->work.context, &part, &p->error);
        }
        if (p->failure == EK_OK) *number = p->next++;
    }
    if (p->failure != EK_OK && err != NULL) *err = p->error;
    return p->failure;
}

/* Nothing more happens to the item that the consumer takes next. */
static bool settled(const eki_prefetch *p) {
    size_t done = p->done[(size_t)p->next % p->work.slots];
    if (p->next < p->item) return done == p->work.parts;
    return p->failure != EK_OK && p->failed.number == p->next && done == p->part;
}

ek_status eki_prefetch_next(eki_prefetch *p, int64_t *number, ek_error *err) {
    *number = -1;
    if (p->running == 0) return next_serial(p, number, err);
    pthread_mutex_lock(&p->mutex);
    p->freed = p->next;
    pthread_cond_broadcast(&p->freed_one);
    while (p->next < p->end && !settled(p)) pthread_cond_wait(&p->made_more, &p->mutex);
    ek_status status = EK_OK;
    if (p->failure != EK_OK && p->failed.number == p->next) {
        status = p->failure;
        if (err != NULL) *err = p->error;
    } else if (p->next < p->end) {
        *number = p->next++;
    }
    pthread_mutex_unlock(&p->mutex);
    return status;
}
