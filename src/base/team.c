/* team.c: threads of the pool are tried before it makes them, as libgomp ends the process where it cannot make one. */
#include "base/threads.h"

#ifdef _OPENMP
#include "base/memory.h"

#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_EXTRA = 1 << 16 }; /* what a pool takes beside stacks */

static _Thread_local int made = 1; /* threads of this thread's pool */

static void *pass(void *gate) {
    (void)pthread_mutex_lock(gate);
    (void)pthread_mutex_unlock(gate);
    return NULL;
}

/* The size that OMP_STACKSIZE gives the pool's stacks; 0 = the system's. */
static size_t stack_size(void) {
    const char *text = getenv("OMP_STACKSIZE"), *units = "BKMG";
    if (text == NULL) return 0;
    char *end;
    unsigned long long size = strtoull(text, &end, 10);
    const char *unit = *end != '\0' ? strchr(units, *end & 0x5f) : units + 1;
    int shift = unit != NULL ? 10 * (int)(unit - units) : 0;
    return size < (1ull << 32) ? (size_t)size << shift : 0;
}

/* How many threads there can be at a time beside this one, `wanted` at most. */
static int tried(int wanted) {
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_attr_t attributes;
    size_t stack = stack_size();
    int count = 0;
    pthread_t *threads = eki_alloc(eki_size_sum(eki_size_of((size_t)wanted, sizeof *threads), eki_sized(POOL_EXTRA)));
    if (threads == NULL || pthread_attr_init(&attributes) != 0) {
        eki_free(threads);
        return 0;
    }
    if (stack > 0) (void)pthread_attr_setstacksize(&attributes, stack);
    (void)pthread_mutex_lock(&gate);
    while (count < wanted && pthread_create(&threads[count], &attributes, pass, &gate) == 0) count++;
    (void)pthread_mutex_unlock(&gate);
    for (int i = 0; i < count; i++) (void)pthread_join(threads[i], NULL);
    (void)pthread_attr_destroy(&attributes);
    eki_free(threads);
    return count;
}

int eki_pool_threads(int wanted) {
    if (wanted <= 1 || omp_in_parallel()) return wanted;
    if (wanted <= made) return made = wanted; /* a smaller team ends the others */
    int threads = 1 + tried(wanted - 1);
    if (threads < 2) return 1;
    int here = 0;
#pragma omp parallel num_threads(threads) reduction(+ : here)
    here += 1;
    made = threads;
    return here > 0 ? threads : 1;
}
#else
int eki_pool_threads(int wanted) { return wanted > 1 ? 1 : wanted; }
#endif

ek_status eki_threads_ready(int threads, ek_error *err) {
    int made_now = eki_pool_threads(threads);
    if (made_now >= threads) return EK_OK;
    return eki_fail(err, EK_ERR_NOMEM, "out of memory: %d threads are wanted, but the system makes %d; use fewer",
                    threads, made_now);
}
