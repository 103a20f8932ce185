/* spin.c: how long a thread that waits spins.
 *
 * Our threads and oneDNN's are libgomp's. As it comes, a waiting one spins for milliseconds before it sleeps: on a busy
 * machine it does so in place of the thread that it waits for. To sleep at once costs as much where the machine is idle
 * and slow to wake, as virtual ones are. So the bound is a time: some ten microseconds where another process wants to
 * run, and more than threads wait for each other between the steps of a network where none does (bench/spinning.sh
 * measures both). A turn takes from 1 to 50 nanoseconds by the processor, so one is timed.
 *
 * libgomp reads the variable when it is loaded, before any code of ours: so the program is executed once more with the
 * variable set, which is also the mark that this has happened. The library never does this.
 */
#include "spin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#define VARIABLE "GOMP_SPINCOUNT"

enum { BUSY_NS = 25000, IDLE_NS = 400000, TIMED_TURNS = 256, LOOKS = 3, LOOK_NS = 500000 };

extern char **environ;

/* Whether the user says how threads wait, to any OpenMP. */
static int is_decided(void) {
    static const char *const words[] = {VARIABLE "=", "OMP_WAIT_POLICY", "KMP_"};
    for (char **variable = environ; *variable != NULL; variable++)
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (strncmp(*variable, words[i], strlen(words[i])) == 0) return 1;
    return 0;
}

/* What libgomp does in a turn. */
static void turn(const volatile int *flag) {
    (void)*flag;
#if defined __x86_64__ || defined __i386__
    __builtin_ia32_pause();
#endif
}

static double turn_ns(void) {
    const volatile int flag = 0;
    struct timespec from, to;
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < TIMED_TURNS; i++) turn(&flag);
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    double ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    return ns < TIMED_TURNS ? 1.0 : ns / TIMED_TURNS;
}

/* Processes that run or want to, this one included; 0 = the system does not tell. */
static long running(void) {
    char line[256];
    long count = 0;
    FILE *file = fopen("/proc/stat", "re");
    while (file != NULL && count == 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "procs_running ", 14) == 0) count = strtol(line + 14, NULL, 10);
    }
    if (file != NULL) (void)fclose(file);
    return count;
}

/* Whether this process runs alone; one that ran for a moment only, such as what started this one, does not count. */
static int is_alone(void) {
    for (int i = 0; i < LOOKS; i++) {
        if (i > 0) (void)nanosleep(&(struct timespec){0, LOOK_NS}, NULL);
        if (running() == 1) return 1;
    }
    return 0;
}

void spin_bounded(char **argv) {
    char turns[32], path[4096]; /* the real one, so that the process keeps its name */
    ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    int by_hand = getauxval(AT_BASE) == 0; /* ld.so PROGRAM: the file would be the loader */
    if (is_decided() || by_hand || length < 1 || length == (ssize_t)sizeof path) return;
    path[length] = '\0';
    (void)snprintf(turns, sizeof turns, "%.0f", (is_alone() ? IDLE_NS : BUSY_NS) / turn_ns());
    if (setenv(VARIABLE, turns, 0) == 0) (void)execv(path, argv);
    (void)unsetenv(VARIABLE);
}
