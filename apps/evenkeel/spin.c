/* spin.c: how long a thread that waits spins.
 *
 * Our threads and oneDNN's are libgomp's. As it comes, a waiting one spins for milliseconds before it sleeps: on a busy
 * machine it does so in place of the thread that it waits for. A bound of some microseconds outlasts the waits between
 * the steps of a network and costs nothing on an idle machine (bench/spinning.sh measures both).
 *
 * libgomp reads the variable when it is loaded, before any code of ours: so the program is executed once more with the
 * variable set, which is also the mark that this has happened. The library never does this.
 */
#include "spin.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define VARIABLE "GOMP_SPINCOUNT"
#define TURNS "1000"

extern char **environ;

/* Whether the user says how threads wait, to any OpenMP. */
static int is_decided(void) {
    static const char *const words[] = {VARIABLE "=", "OMP_WAIT_POLICY", "KMP_"};
    for (char **variable = environ; *variable != NULL; variable++)
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (strncmp(*variable, words[i], strlen(words[i])) == 0) return 1;
    return 0;
}

void spin_bounded(char **argv) {
    char path[4096]; /* the real one, so that the process keeps its name */
    ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    int by_hand = getauxval(AT_BASE) == 0; /* ld.so PROGRAM: the file would be the loader */
    if (is_decided() || by_hand || length < 1 || length == (ssize_t)sizeof path) return;
    path[length] = '\0';
    if (setenv(VARIABLE, TURNS, 0) == 0) (void)execv(path, argv);
    (void)unsetenv(VARIABLE);
}
