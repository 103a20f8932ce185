/* test_prefetch.c: order, bound on work ahead, errors of the background thread, restarting and stopping at any time. */
#include "data_files.h"

#include "data/prefetch.h"

#include <stdatomic.h>
#include <time.h>

typedef struct work {
    int64_t slot[8];
    int64_t fails_at;
    atomic_llong made, taken; /* items made; items whose number the consumer has got */
    atomic_int ahead;         /* largest number made beyond those taken */
} work;

static ek_status fill(void *context, int64_t number, size_t slot, ek_error *err) {
    work *w = context;
    if (number == w->fails_at) return eki_fail(err, EK_ERR_IO, "item %lld cannot be read", (long long)number);
    w->slot[slot] = number;
    long long ahead = atomic_fetch_add(&w->made, 1) + 1 - atomic_load(&w->taken);
    if (ahead > atomic_load(&w->ahead)) atomic_store(&w->ahead, (int)ahead);
    return EK_OK;
}

static void start_work(work *w, eki_prefetch *p, int64_t first, int64_t end) {
    eki_prefetch_stop(p);
    atomic_store(&w->made, first);
    atomic_store(&w->taken, first);
    atomic_store(&w->ahead, 0);
    assert_int_equal(eki_prefetch_start(p, first, end, NULL), EK_OK);
}

static void test_order_and_bound(void **state) {
    (void)state;
    for (size_t slots = 1; slots <= 8; slots++) {
        work w = {.fails_at = -1};
        eki_prefetch *p;
        assert_int_equal(eki_prefetch_create(slots, fill, &w, &p, NULL), EK_OK);
        start_work(&w, p, 3, 300);
        for (int64_t expected = 3; expected < 300; expected++) {
            int64_t number;
            assert_int_equal(eki_prefetch_next(p, &number, NULL), EK_OK);
            assert_int_equal(number, expected);
            assert_int_equal(w.slot[(size_t)number % slots], number);
            if (number % 50 == 0) nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
            assert_int_equal(w.slot[(size_t)number % slots], number); /* not overwritten while it is held */
            atomic_store(&w.taken, number + 1);
        }
        for (int again = 0; again < 3; again++) {
            int64_t number;
            assert_int_equal(eki_prefetch_next(p, &number, NULL), EK_OK);
            assert_int_equal(number, -1);
        }
        assert_true(atomic_load(&w.ahead) <= (int)slots);
        eki_prefetch_destroy(p);
    }
}

static void test_error_surfaces(void **state) {
    (void)state;
    for (size_t slots = 1; slots <= 8; slots++) {
        work w = {.fails_at = 10};
        eki_prefetch *p;
        ek_error err = {EK_OK, ""};
        int64_t number;
        assert_int_equal(eki_prefetch_create(slots, fill, &w, &p, NULL), EK_OK);
        start_work(&w, p, 0, 100);
        for (int64_t i = 0; i < 10; i++) {
            assert_int_equal(eki_prefetch_next(p, &number, &err), EK_OK);
            assert_int_equal(number, i);
        }
        for (int again = 0; again < 3; again++) {
            assert_int_equal(eki_prefetch_next(p, &number, &err), EK_ERR_IO);
            assert_int_equal(number, -1);
            assert_int_equal(err.status, EK_ERR_IO);
            assert_text(&err, "item 10 cannot be read");
        }
        start_work(&w, p, 11, 13); /* and it can begin anew */
        assert_int_equal(eki_prefetch_next(p, &number, &err), EK_OK);
        assert_int_equal(number, 11);
        eki_prefetch_destroy(p);
    }
}

static void test_restart_anywhere(void **state) {
    (void)state;
    work w = {.fails_at = -1};
    eki_prefetch *p;
    assert_int_equal(eki_prefetch_create(4, fill, &w, &p, NULL), EK_OK);
    for (int64_t round = 0; round < 200; round++) {
        start_work(&w, p, round, round + 20);
        for (int64_t i = 0; i < round % 25; i++) {
            int64_t number;
            assert_int_equal(eki_prefetch_next(p, &number, NULL), EK_OK);
            assert_int_equal(number, i < 20 ? round + i : -1);
        }
        if (round % 3 == 0) eki_prefetch_stop(p);
    }
    int64_t number;
    eki_prefetch_stop(p);
    assert_int_equal(eki_prefetch_next(p, &number, NULL), EK_OK);
    assert_int_equal(number, -1);
    eki_prefetch_destroy(p);
    eki_prefetch_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_bound),
        cmocka_unit_test(test_error_surfaces),
        cmocka_unit_test(test_restart_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
