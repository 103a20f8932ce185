/* test_memory.c: sizes that cannot wrap, and the budget: what is given, what is refused, what control groups say. */
#include "base/cgroup.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

static void products_do_not_wrap(void **state) {
    (void)state;
    assert_int_equal(eki_size_of(3, 4).bytes, 12);
    const eki_size wrong[] = {eki_size_of(SIZE_MAX / 2, 3), eki_size_of((size_t)1 << 60, 16),
                              eki_size_of(eki_size_of((size_t)1 << 60, 16).bytes, 4),
                              eki_size_sum(eki_sized(SIZE_MAX), eki_sized(1)), eki_sized(SIZE_MAX)};
    eki_arena arena = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_null(eki_alloc(wrong[i]));
        assert_null(eki_alloc_zero(wrong[i]));
        assert_null(eki_realloc(NULL, wrong[i]));
        assert_null(eki_arena_alloc(&arena, wrong[i]));
        assert_null(eki_allocator_alloc(NULL, wrong[i]));
    }
    assert_null(eki_calloc((size_t)1 << 60, 16));
    void *array = NULL;
    size_t room = 0;
    assert_false(eki_grow(&array, &room, (size_t)1 << 60, 32));
    assert_null(array);
}

static void budget_is_kept(void **state) {
    (void)state;
    const eki_size larger = eki_sized((size_t)80 << 20), fitting = eki_sized((size_t)8 << 20);
    size_t budget = eki_memory_limit() - eki_memory_left() + ((size_t)64 << 20);
    eki_memory_allow(budget);
    assert_int_equal(eki_memory_limit(), budget);
    assert_true(eki_memory_left() < (size_t)65 << 20);
    assert_null(eki_alloc(larger));
    assert_null(eki_calloc(80, (size_t)1 << 20));
    size_t before = eki_memory_left();
    void *memory = eki_alloc_zero(fitting);
    assert_non_null(memory);
    assert_true(eki_memory_left() + fitting.bytes < before + ((size_t)1 << 20)); /* what is held counts */
    eki_free(memory);
    eki_memory_allow(0);
    assert_true(eki_memory_limit() > budget);
    memory = eki_alloc(larger);
    assert_non_null(memory);
    eki_free(memory);
}

static void own_limits_count(void **state) {
    (void)state;
    struct rlimit old, own;
    assert_int_equal(getrlimit(RLIMIT_RSS, &old), 0); /* which no kernel enforces */
    own = (struct rlimit){.rlim_cur = (rlim_t)100 << 20, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_RSS, &own), 0);
    assert_int_equal(eki_memory_limit(), (size_t)100 << 20);
    assert_int_equal(setrlimit(RLIMIT_RSS, &old), 0);
    assert_true(eki_memory_limit() > (size_t)100 << 20);
}

/* A tree of files as the system shows them. */
static char root[] = "/tmp/cgroup.XXXXXX";

static void file(const char *path, const char *text) {
    char whole[512];
    snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *slash = strchr(whole + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        (void)mkdir(whole, 0700);
        *slash = '/';
    }
    FILE *out = fopen(whole, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void groups_within_groups(void **state) {
    (void)state;
    assert_non_null(mkdtemp(root));
    assert_int_equal(eki_cgroup_memory(root), SIZE_MAX);
    file("/proc/self/cgroup", "5:cpu,memory:/a/b\n4:memoryless:/x\n0::/u/v/w\n");
    assert_int_equal(eki_cgroup_memory(root), SIZE_MAX);
    file("/proc/self/mountinfo", "32 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                                 "33 31 0:30 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n");
    assert_int_equal(eki_cgroup_memory(root), SIZE_MAX);
    file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    file("/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9000\n");
    assert_int_equal(eki_cgroup_memory(root), 9000);
    file("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "8000\n");
    assert_int_equal(eki_cgroup_memory(root), 8000);
    file("/sys/fs/cgroup/unified/u/v/w/memory.max", "max\n");
    file("/sys/fs/cgroup/unified/u/v/memory.max", "7000\n");
    assert_int_equal(eki_cgroup_memory(root), 7000);
    file("/sys/fs/cgroup/unified/u/memory.max", "6000\n");
    assert_int_equal(eki_cgroup_memory(root), 6000);
    /* In a container the group is what is mounted. */
    file("/proc/self/mountinfo", "33 31 0:30 /u/v/w /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    file("/sys/fs/cgroup/memory.max", "5000\n");
    assert_int_equal(eki_cgroup_memory(root), 5000);
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(products_do_not_wrap), cmocka_unit_test(budget_is_kept),
                                       cmocka_unit_test(own_limits_count), cmocka_unit_test(groups_within_groups)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
