/* test_prefetch.c: order, bound on work ahead, errors of the background thread, restarting and stopping at any time. */
#include "data_files.h"

#include "data/prefetch.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

enum { MOST_PARTS = 5 };

typedef struct work {
    int64_t slot[8][MOST_PARTS];
    int64_t fails_at;
    size_t parts;
    bool uneven;              /* parts take different times */
    atomic_llong made, taken; /* items made; items whose number the consumer has got */
    atomic_int ahead;         /* largest number made beyond those taken */
} work;

static ek_status fill(void *context, const eki_prefetch_part *p, ek_error *err) {
    work *w = context;
    if (w->uneven) nanosleep(&(struct timespec){.tv_nsec = (p->number * 7 + (int)p->part * 3) % 5 * 20000}, NULL);
    if (p->number == w->fails_at && p->part > 0) {
        return eki_fail(err, EK_ERR_IO, "item %lld, part %zu cannot be read", (long long)p->number, p->part);
    }
    w->slot[p->slot][p->part] = p->number;
    if (p->part > 0) return EK_OK;
    long long ahead = atomic_fetch_add(&w->made, 1) + 1 - atomic_load(&w->taken);
    if (ahead > atomic_load(&w->ahead)) atomic_store(&w->ahead, (int)ahead);
    return EK_OK;
}

static eki_prefetch *create(work *w, size_t slots, int threads) {
    eki_prefetch *p;
    eki_prefetch_work make = {.slots = slots, .parts = w->parts, .threads = threads, .fill = fill, .context = w};
    assert_int_equal(eki_prefetch_create(&make, &p, NULL), EK_OK);
    return p;
}

static void start_work(work *w, eki_prefetch *p, int64_t first, int64_t end) {
    eki_prefetch_stop(p);
    atomic_store(&w->made, first);
    atomic_store(&w->taken, first);
    atomic_store(&w->ahead, 0);
    assert_int_equal(eki_prefetch_start(p, first, end, NULL), EK_OK);
}

static void check_slot(const work *w, int64_t number, size_t slots) {
    for (size_t part = 0; part < w->parts; part++) {
        assert_int_equal(w->slot[(size_t)number % slots][part], number);
    }
}

static void check_order(size_t slots, size_t parts, int threads, bool uneven) {
    work w = {.fails_at = -1, .parts = parts, .uneven = uneven};
    eki_prefetch *p = create(&w, slots, threads);
    start_work(&w, p, 3, 100);
    for (int64_t expected = 3; expected < 100; expected++) {
        int64_t number;
        assert_int_equal(eki_prefetch_next(p, &number, NULL), EK_OK);
        assert_int_equal(number, expected);
        check_slot(&w, number, slots);
        if (number % 50 == 0) nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        check_slot(&w, number, slots); /* not overwritten while it is held */
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

static void test_order_and_bound(void **state) {
    (void)state;
    for (size_t slots = 1; slots <= 8; slots++) {
        for (int threads = 1; threads <= 3; threads++) {
            check_order(slots, 1, threads, false);
            check_order(slots, MOST_PARTS, threads, false);
        }
    }
    check_order(3, MOST_PARTS, 3, true);
}

/* What comes before the item is whole, and the error is that of its first part that fails. */
static void check_error(size_t slots, int threads, bool uneven) {
    work w = {.fails_at = 10, .parts = MOST_PARTS, .uneven = uneven};
    ek_error err = {EK_OK, ""};
    int64_t number;
    eki_prefetch *p = create(&w, slots, threads);
    start_work(&w, p, 0, 100);
    for (int64_t i = 0; i < 10; i++) {
        assert_int_equal(eki_prefetch_next(p, &number, &err), EK_OK);
        assert_int_equal(number, i);
        check_slot(&w, number, slots);
    }
    for (int again = 0; again < 3; again++) {
        assert_int_equal(eki_prefetch_next(p, &number, &err), EK_ERR_IO);
        assert_int_equal(number, -1);
        assert_int_equal(err.status, EK_ERR_IO);
        assert_text(&err, "item 10, part 1 cannot be read");
    }
    start_work(&w, p, 11, 13); /* and it can begin anew */
    assert_int_equal(eki_prefetch_next(p, &number, &err), EK_OK);
    assert_int_equal(number, 11);
    eki_prefetch_destroy(p);
}

static void test_error_surfaces(void **state) {
    (void)state;
    for (size_t slots = 1; slots <= 8; slots++) {
        for (int threads = 1; threads <= 4; threads++) {
            check_error(slots, threads, false);
            check_error(slots, threads, true);
        }
    }
}

static void test_restart_anywhere(void **state) {
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        work w = {.fails_at = -1, .parts = 3};
        eki_prefetch *p = create(&w, 4, threads);
        int64_t number;
        for (int64_t round = 0; round < 100; round++) {
            start_work(&w, p, round, round + 20);
            for (int64_t i = 0; i < round % 25; i++) {
                assert_int_equal(eki_prefetch_next(p, &number, NULL), EK_OK);
                assert_int_equal(number, i < 20 ? round + i : -1);
            }
            if (round % 3 == 0) eki_prefetch_stop(p);
        }
        eki_prefetch_stop(p);
        assert_int_equal(eki_prefetch_next(p, &number, NULL), EK_OK);
        assert_int_equal(number, -1);
        eki_prefetch_destroy(p);
    }
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
