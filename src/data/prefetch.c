/* prefetch.c: one producer thread, one consumer, a ring of slots, a mutex and two conditions.
 *
 * Items are made in order by one thread, so what a slot holds never depends on timing. The thread blocks all signals:
 * an interrupt goes to the program's own threads. With one slot there is no thread at all.
 */
#include "data/prefetch.h"

#include "base/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

struct eki_prefetch {
    size_t slots;
    eki_prefetch_fill fill;
    void *context;
    pthread_t thread;
    bool running; /* the thread exists; the consumer's own knowledge */
    int64_t next; /* item the consumer takes next */
    pthread_mutex_t mutex;
    pthread_cond_t made_more, freed_one;
    /* under the mutex: */
    int64_t made, freed, end; /* items before `made` are ready, those before `freed` may be overwritten */
    bool stop;
    ek_status failure; /* of item `made` */
    ek_error error;
};

/* Waits until item `made` has a free slot; -1 = stop. */
static int64_t claim_slot(eki_prefetch *p) {
    pthread_mutex_lock(&p->mutex);
    while (!p->stop && p->made < p->end && p->made - p->freed >= (int64_t)p->slots) {
        pthread_cond_wait(&p->freed_one, &p->mutex);
    }
    int64_t number = p->stop || p->made >= p->end ? -1 : p->made;
    pthread_mutex_unlock(&p->mutex);
    return number;
}

static void *produce(void *argument) {
    eki_prefetch *p = argument;
    ek_error error;
    memset(&error, 0, sizeof error);
    for (;;) {
        int64_t number = claim_slot(p);
        if (number < 0) return NULL;
        ek_status status = p->fill(p->context, number, (size_t)number % p->slots, &error);
        pthread_mutex_lock(&p->mutex);
        if (status == EK_OK) {
            p->made++;
        } else {
            p->failure = status;
            p->error = error;
        }
        pthread_cond_signal(&p->made_more);
        pthread_mutex_unlock(&p->mutex);
        if (status != EK_OK) return NULL;
    }
}

ek_status eki_prefetch_create(size_t slots, eki_prefetch_fill fill, void *context, eki_prefetch **out, ek_error *err) {
    *out = NULL;
    eki_prefetch *p = eki_alloc_zero(eki_sized(sizeof *p));
    if (p == NULL) return eki_fail_nomem(err, sizeof *p);
    p->slots = slots;
    p->fill = fill;
    p->context = context;
    bool mutex = pthread_mutex_init(&p->mutex, NULL) == 0;
    bool more = mutex && pthread_cond_init(&p->made_more, NULL) == 0;
    bool free_one = more && pthread_cond_init(&p->freed_one, NULL) == 0;
    if (free_one) {
        *out = p;
        return EK_OK;
    }
    if (more) pthread_cond_destroy(&p->made_more);
    if (mutex) pthread_mutex_destroy(&p->mutex);
    eki_free(p);
    return eki_fail(err, EK_ERR_NOMEM, "the system has no more mutexes for reading data ahead");
}

void eki_prefetch_stop(eki_prefetch *p) {
    if (p->running) {
        pthread_mutex_lock(&p->mutex);
        p->stop = true;
        pthread_cond_signal(&p->freed_one);
        pthread_mutex_unlock(&p->mutex);
        pthread_join(p->thread, NULL);
        p->running = false;
    }
    p->end = p->next; /* until the next start there is nothing more */
}

void eki_prefetch_destroy(eki_prefetch *p) {
    if (p == NULL) return;
    eki_prefetch_stop(p);
    pthread_cond_destroy(&p->freed_one);
    pthread_cond_destroy(&p->made_more);
    pthread_mutex_destroy(&p->mutex);
    eki_free(p);
}

static ek_status start_thread(eki_prefetch *p, ek_error *err) {
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) {
        return eki_fail(err, EK_ERR_STATE, "cannot block signals for the thread that reads data ahead");
    }
    int rc = pthread_create(&p->thread, NULL, produce, p);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        return eki_fail(err, EK_ERR_NOMEM,
                        "cannot start the thread that reads data ahead (%s); free some memory or "
                        "threads, or set prefetch to 0",
                        strerror(rc));
    }
    p->running = true;
    return EK_OK;
}

ek_status eki_prefetch_start(eki_prefetch *p, int64_t first, int64_t end, ek_error *err) {
    eki_prefetch_stop(p);
    p->next = p->made = p->freed = first;
    p->end = end;
    p->stop = false;
    p->failure = EK_OK;
    if (p->slots == 1 || first >= end) return EK_OK;
    return start_thread(p, err);
}

static ek_status next_serial(eki_prefetch *p, int64_t *number, ek_error *err) {
    if (p->failure == EK_OK && p->next < p->end) {
        p->failure = p->fill(p->context, p->next, 0, &p->error);
        if (p->failure == EK_OK) *number = p->next++;
    }
    if (p->failure != EK_OK && err != NULL) *err = p->error;
    return p->failure;
}

ek_status eki_prefetch_next(eki_prefetch *p, int64_t *number, ek_error *err) {
    *number = -1;
    if (!p->running) return next_serial(p, number, err);
    pthread_mutex_lock(&p->mutex);
    p->freed = p->next;
    pthread_cond_signal(&p->freed_one);
    while (p->made <= p->next && p->next < p->end && p->failure == EK_OK) {
        pthread_cond_wait(&p->made_more, &p->mutex);
    }
    ek_status status = EK_OK;
    if (p->made > p->next) {
        *number = p->next++;
    } else if (p->failure != EK_OK) {
        status = p->failure;
        if (err != NULL) *err = p->error;
    }
    pthread_mutex_unlock(&p->mutex);
    return status;
}
