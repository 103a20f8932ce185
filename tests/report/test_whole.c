/* Does a text that is written into memory come whole, or not at all, whichever allocation fails? */
#include "report/whole.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int until; /* so many more times realloc works; -1 = always */

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size) { return until >= 0 && until-- == 0 ? NULL : __real_realloc(old, size); }

enum { LINES = 20000 };

static int write_lines(int works, eki_whole *whole) {
    FILE *file = eki_whole_open(whole);
    assert_non_null(file);
    until = works;
    for (int i = 0; i < LINES; i++) fprintf(file, "%06d\n", i);
    int good = eki_whole_close(whole, file);
    until = -1;
    return good;
}

static void whole_or_nothing(void **state) {
    (void)state;
    eki_whole whole;
    for (int works = 0; works < 6; works++) {
        assert_false(write_lines(works, &whole));
        assert_null(whole.text);
    }
    assert_true(write_lines(-1, &whole));
    assert_int_equal(whole.size, 7 * LINES);
    assert_string_equal(whole.text + whole.size - 7, "019999\n");
    free(whole.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole_or_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
