/* test_absent.c: who is said to be missing, by what launchers leave in the environment. */
#include "dist/absent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROOM = 1024 };

/* What a process of this environment says. */
static void ask(char *const environment[], char text[ROOM]) {
    int out[2], status;
    assert_int_equal(pipe(out), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char *const arguments[] = {(char[]){"absent"}, (char[]){"say"}, NULL};
        (void)dup2(out[1], STDOUT_FILENO);
        (void)execve("/proc/self/exe", arguments, environment);
        _exit(127);
    }
    (void)close(out[1]);
    FILE *said = fdopen(out[0], "r");
    assert_non_null(said);
    text[fread(text, 1, ROOM - 1, said)] = '\0';
    (void)fclose(said);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void names_processes_that_ended(void **state) {
    char text[ROOM];
    char *const environment[] = {(char[]){"OMPI_COMM_WORLD_SIZE=3"}, (char[]){"OMPI_COMM_WORLD_LOCAL_SIZE=3"},
                                 (char[]){"OMPI_COMM_WORLD_RANK=1"}, NULL};
    (void)state;
    ask(environment, text);
    assert_string_equal(text, "rank 0 never came: its process has ended; rank 2 never came: its process has ended");
}

static void names_few_of_many(void **state) {
    char text[ROOM];
    char *const environment[] = {(char[]){"PMI_SIZE=20"}, (char[]){"MPI_LOCALNRANKS=10"}, (char[]){"PMI_RANK=0"}, NULL};
    (void)state;
    ask(environment, text);
    assert_non_null(strstr(text, "rank 1 never came: it has no process on this machine; rank 2"));
    assert_non_null(strstr(text, "rank 8 never came"));
    assert_null(strstr(text, "rank 9 never came"));
    assert_non_null(strstr(text, "; and 11 more"));
}

static void believes_no_rank_beyond_the_count(void **state) {
    char text[ROOM];
    char *const environment[] = {(char[]){"PMI_SIZE=2"}, (char[]){"PMI_RANK=5"}, NULL};
    (void)state;
    ask(environment, text);
    assert_string_equal(text, "which ranks are missing cannot be seen here");
}

static int say(void) {
    char text[ROOM], little[16];
    eki_absent_mark();
    eki_absent_text(little, sizeof little);
    eki_absent_text(text, sizeof text);
    return strncmp(text, little, sizeof little - 1) == 0 && fputs(text, stdout) >= 0 ? 0 : 1;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_processes_that_ended),
        cmocka_unit_test(names_few_of_many),
        cmocka_unit_test(believes_no_rank_beyond_the_count),
    };
    return argc > 1 && strcmp(argv[1], "say") == 0 ? say() : cmocka_run_group_tests(tests, NULL, NULL);
}
