/* Is a norm that was not found for want of memory an error, whichever allocation fails? */
#include "site_maker.h"

#include "onnx/heap.h"
#include "sites/sites.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { MOST = 10000 };

/* Allocations fail one after the other, until none is left to fail. */
static void check(int family, uint64_t seed) {
    site_case c;
    eki_sites sites;
    site_case_make(family, seed, TWIN_NONE, &c);
    assert_int_equal(eki_sites_find(c.graph, &sites, NULL), EK_OK);
    size_t count = sites.count;
    eki_sites_free(&sites);
    int failed = 0, whole = 0;
    for (int k = 1; k < MOST && whole < 2; k++) {
        heap_fail_at(k);
        ek_error err = {.text = ""};
        ek_status status = eki_sites_find(c.graph, &sites, &err);
        heap_fail_at(0);
        whole = status == EK_OK ? whole + 1 : 0;
        failed += status == EK_ERR_NOMEM;
        if (status != EK_OK && status != EK_ERR_NOMEM) fail_msg("%s: %d: %s", c.label, k, err.text);
        if (status == EK_OK && sites.count != count) fail_msg("%s: %zu norms, allocation %d", c.label, sites.count, k);
        if (status == EK_OK) eki_sites_free(&sites);
    }
    assert_true(failed > 0);
    site_case_destroy(&c);
}

static void every_allocation(void **state) {
    (void)state;
    for (int family = 0; family < n_site_families; family++) {
        for (uint64_t seed = 1; seed <= 10; seed++) {
            site_case c;
            site_case_make(family, seed, TWIN_NONE, &c);
            bool skipped = c.skipped;
            site_case_destroy(&c);
            if (!skipped) check(family, seed);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
