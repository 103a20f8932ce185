/* guard.c: time to speak for those who survive a rank under MPICH's launcher.
 *
 * The launcher (hydra) watches a descriptor of each process that it started, and the process; when a signal ends one,
 * it kills all others at once with SIGKILL, which leaves them no word. With a guard the process that it started lives
 * on: it only waits for its child, which is the rank, holds the descriptor open, and tells of the child's death later.
 * The other ranks notice the death themselves (watch.c, or the deadline), say so, and end the run. Should they not, the
 * guard ends when its time is over, and the launcher does as ever.
 */
#define _DEFAULT_SOURCE 1
#include "dist/transport.h"

#include <evenkeel/dist.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THE_RANK = -1, SIGNALLED = 128 };

static bool wanted(void) {
    static bool guarded; /* this process is the child of a guard */
    const char *flavour = eki_launcher(), *size = getenv("PMI_SIZE");
    bool now = !guarded && flavour != NULL && strcmp(flavour, "mpich") == 0 && size != NULL && atoi(size) > 1;
    guarded = true;
    return now;
}

/* What the launcher or a terminal sends goes to the group, and so to the rank too, which knows what to do with it. */
static void leave_signals_to_the_rank(void) {
    static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE};
    struct sigaction ignore;
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    (void)sigemptyset(&ignore.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) (void)sigaction(signals[i], &ignore, NULL);
}

/* Whether somebody asked the rank to end, and not once: then nobody is waited for. */
static bool asked_to_end(int number) { return number == SIGINT || number == SIGTERM || number == SIGHUP; }

static int watch_over(pid_t rank, double seconds) {
    int status = 0;
    leave_signals_to_the_rank();
    while (waitpid(rank, &status, 0) < 0) {
        if (errno != EINTR) return EXIT_FAILURE;
    }
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    struct timespec rest = {.tv_sec = (time_t)seconds, .tv_nsec = (long)(1e9 * (seconds - (double)(time_t)seconds))};
    while (!asked_to_end(number) && nanosleep(&rest, &rest) != 0 && errno == EINTR) {
    }
    return SIGNALLED + number;
}

int ek_comm_guard(double seconds) {
    if (!wanted()) return THE_RANK;
    (void)fflush(NULL); /* or both would write what is buffered */
    pid_t guard = getpid(), rank = fork();
    if (rank < 0) return THE_RANK; /* without a guard */
    if (rank > 0) return watch_over(rank, seconds > 0 && seconds < 1e6 ? seconds : 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);             /* no rank outlives its guard */
    if (getppid() != guard) return SIGNALLED + SIGKILL; /* it has died meanwhile */
    return THE_RANK;
}
