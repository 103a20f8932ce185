/* cmocka.h: the part of cmocka that the norm tests use, for machines that cmocka is not installed for (a cross build
 * under an emulator). The first failure ends the program. */
#ifndef PLAIN_CMOCKA_H
#define PLAIN_CMOCKA_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};

#define cmocka_unit_test(f)                                                                                            \
    { #f, f }
#define cmocka_run_group_tests(tests, before, after) plain_run(tests, sizeof(tests) / sizeof((tests)[0]))

#define fail_msg(...) (printf("%s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), puts(""), exit(1))
#define fail() fail_msg("%s", "failed")
#define print_message printf
#define skip() return
#define plain_check(ok, text) ((ok) ? (void)0 : fail_msg("not so: %s", text))
#define assert_true(c) plain_check(c, #c)
#define assert_false(c) plain_check(!(c), "not " #c)
#define assert_null(p) plain_check((p) == NULL, #p " is NULL")
#define assert_non_null(p) plain_check((p) != NULL, #p " is not NULL")
#define assert_ptr_equal(a, b) plain_check((a) == (b), #a " = " #b)
#define assert_int_equal(a, b) plain_check((intmax_t)(a) == (intmax_t)(b), #a " = " #b)
#define assert_int_not_equal(a, b) plain_check((intmax_t)(a) != (intmax_t)(b), #a " differs from " #b)
#define assert_in_range(a, low, high) plain_check((a) >= (low) && (a) <= (high), #a " in " #low " .. " #high)
#define assert_float_equal(a, b, e) plain_check((a) - (b) <= (e) && (b) - (a) <= (e), #a " = " #b)
#define assert_string_not_equal(a, b) plain_check(strcmp(a, b) != 0, #a " differs from " #b)
#define assert_string_equal(a, b) plain_check(strcmp(a, b) == 0, #a " = " #b)
#define assert_memory_equal(a, b, n) plain_check(memcmp(a, b, n) == 0, #a " = " #b)
#define assert_memory_not_equal(a, b, n) plain_check(memcmp(a, b, n) != 0, #a " differs from " #b)

static inline int plain_run(const struct CMUnitTest *tests, size_t count) {
    void *state = NULL;
    for (size_t i = 0; i < count; i++) {
        tests[i].run(&state);
        printf("ok: %s\n", tests[i].name);
    }
    return 0;
}

#endif
