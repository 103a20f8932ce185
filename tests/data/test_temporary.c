/* test_temporary.c: files are replaced whole, what the dead have left is removed, and what the living write is not. */
#include "base/temporary.h"

#include <dirent.h>
#include <evenkeel/files.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static bool there(const char *path) { return access(path, F_OK) == 0; }

static void make(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void holds(const char *path, const char *text) {
    char found[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(found, 1, sizeof found - 1, file) > 0);
    (void)fclose(file);
    assert_string_equal(found, text);
}

/* A process that has begun to write t, and waits. */
static pid_t begin_writing(void) {
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        eki_writer *writer;
        if (eki_writer_open("t", &writer, NULL) != EK_OK || write(ready[1], &byte, 1) != 1) _exit(1);
        for (;;) (void)pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return child;
}

static void end(pid_t child) {
    int status;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
}

static void replaces(void **state) {
    (void)state;
    make("t", "old");
    assert_int_equal(ek_file_replace("t", "new", 3, NULL), EK_OK);
    holds("t", "new");
    assert_false(there("t.tmp-0"));
    ek_error err;
    assert_int_equal(ek_file_replace("nowhere/t", "new", 3, &err), EK_ERR_IO);
    assert_non_null(strstr(err.text, "nowhere/t"));
    assert_int_equal(ek_file_replace(".", "new", 3, &err), EK_ERR_IO);
}

static void the_living_and_the_dead(void **state) {
    (void)state;
    pid_t first = begin_writing(), second = begin_writing();
    assert_true(there("t.tmp-0") && there("t.tmp-1"));
    assert_int_equal(ek_file_replace("t", "mine", 4, NULL), EK_OK);
    assert_true(there("t.tmp-0") && there("t.tmp-1"));
    end(second);
    assert_int_equal(ek_file_replace("t", "mine again", 10, NULL), EK_OK);
    assert_true(there("t.tmp-0") && !there("t.tmp-1"));
    end(first);
    assert_true(there("t.tmp-0"));
    assert_int_equal(ek_file_replace("other", "x", 1, NULL), EK_OK);
    assert_true(there("t.tmp-0"));
    assert_int_equal(ek_file_replace("t", "last", 4, NULL), EK_OK);
    assert_false(there("t.tmp-0"));
    holds("t", "last");
}

/* Links, folders and files with another name are none of ours. */
static void others_files_stay(void **state) {
    (void)state;
    make("precious", "precious");
    assert_int_equal(symlink("precious", "t.tmp-0"), 0);
    assert_int_equal(link("precious", "t.tmp-1"), 0);
    assert_int_equal(ek_file_replace("t", "mine", 4, NULL), EK_OK);
    holds("precious", "precious");
    holds("t.tmp-1", "precious");
    assert_int_equal(unlink("t.tmp-0") + unlink("t.tmp-1"), 0);
}

static void too_many_writers(void **state) {
    (void)state;
    eki_temporary taken[9];
    for (int i = 0; i < 8; i++) assert_int_equal(eki_temporary_open("t", &taken[i], NULL), EK_OK);
    ek_error err;
    assert_int_equal(eki_temporary_open("t", &taken[8], &err), EK_ERR_IO);
    assert_non_null(strstr(err.text, "t.tmp-0"));
    for (int i = 0; i < 8; i++) eki_temporary_close(&taken[i]);
    assert_false(there("t.tmp-0") || there("t.tmp-7"));
}

/* In a process of its own, as nothing is written afterwards. */
static void abandons(void **state) {
    (void)state;
    make("t", "whole");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        eki_writer *writer;
        eki_temporary late;
        bool good = eki_writer_open("t", &writer, NULL) == EK_OK && there("t.tmp-0");
        eki_temporary_abandon();
        good = good && !there("t.tmp-0") && eki_temporary_open("t", &late, NULL) == EK_ERR_INTERRUPTED;
        good = good && eki_writer_commit(writer, NULL) == EK_ERR_IO;
        _exit(good && !there("t.tmp-0") ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    holds("t", "whole");
}

static void can_be_written(void **state) {
    (void)state;
    ek_error err;
    make("t", "whole");
    assert_int_equal(ek_file_check("t", NULL), EK_OK);
    holds("t", "whole");
    assert_int_equal(ek_file_check("fresh", NULL), EK_OK);
    assert_false(there("fresh") || there("fresh.tmp-0"));
    assert_int_equal(ek_file_check("nowhere/t", &err), EK_ERR_IO);
    assert_string_equal(err.text, "cannot write nowhere/t: its folder does not exist; make it first");
    assert_int_equal(ek_file_check(".", &err), EK_ERR_IO);
    assert_string_equal(err.text, "cannot write .: it is a folder");
}

static void abandon_and_end(int number) {
    ek_file_abandon();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

/* Files in the folder that the process is in, but t. */
static int others(void) {
    int found = 0;
    DIR *folder = opendir(".");
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        found += entry->d_name[0] != '.' && strcmp(entry->d_name, "t") != 0;
    }
    closedir(folder);
    return found;
}

/* A signal sent from outside, of the kinds that a fault makes too, at any moment of a check. */
static void ended_while_checking(void **state) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGTERM};
    (void)state;
    int before = others();
    for (int i = 0; i < 200; i++) {
        int number = signals[i % 5], status;
        void (*own)(int) = signal(number, abandon_and_end);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            while (ek_file_check("t", NULL) == EK_OK) {
            }
            for (;;) (void)pause();
        }
        (void)signal(number, own);
        (void)nanosleep(&(struct timespec){0, 500000 + 7000 * i}, NULL);
        assert_int_equal(kill(child, number), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
    }
    assert_int_equal(others(), before);
}

int main(void) {
    char folder[] = "/tmp/temporary-XXXXXX";
    if (mkdtemp(folder) == NULL || chdir(folder) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaces),
        cmocka_unit_test(the_living_and_the_dead),
        cmocka_unit_test(others_files_stay),
        cmocka_unit_test(too_many_writers),
        cmocka_unit_test(abandons),
        cmocka_unit_test(can_be_written),
        cmocka_unit_test(ended_while_checking),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)(unlink("t") + unlink("other") + unlink("precious") + rmdir(folder));
    return failed;
}
