/* guard.c: a parent of each rank: a deadline for the start of MPI, and time to speak for those who survive a rank.
 *
 * MPI_Init waits for all ranks, without end for one that never comes. The guard waits for a word that it has returned;
 * without one in time it says who is missing (absent.c), ends the rank and then itself, with which the launcher ends
 * the run.
 *
 * MPICH's launcher (hydra) watches a descriptor of each process that it started, and the process; when a signal ends
 * one, it kills all others at once with SIGKILL, which leaves them no word. With a guard the process that it started
 * lives on: it only waits for its child, which is the rank, holds the descriptor open, and tells of the child's death
 * later. The other ranks notice the death themselves (watch.c, or the deadline), say so, and end the run. Should they
 * not, the guard ends when its time is over, and the launcher does as ever.
 */
#define _DEFAULT_SOURCE 1
#include "dist/absent.h"
#include "dist/transport.h"

#include <evenkeel/dist.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THE_RANK = -1, SIGNALLED = 128, SLICE = 50 /* ms */ };

/* Seconds after the timeout until the launcher learns of a death, and for the others to say what they know. */
static const double grace = 5, patience = 0.5;

static int start_told = -1; /* in a rank: where to say that MPI has started */

typedef struct guard {
    pid_t rank;
    int start; /* where the rank says that MPI has started */
    double timeout;
    int code;
    void (*say)(int rank, int ranks, const ek_error *err);
} guard;

static bool wanted(void) {
    static bool guarded; /* this process is the child of a guard */
    bool now = !guarded && eki_launched_ranks() > 1;
    guarded = true;
    return now;
}

void eki_guard_started(void) {
    if (start_told < 0) return;
    ssize_t told = write(start_told, "", 1); /* a guard that has died ends this process */
    (void)told;
    (void)close(start_told);
    start_told = -1;
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

static void rest(double seconds) {
    struct timespec left = {.tv_sec = (time_t)seconds, .tv_nsec = (long)(1e9 * (seconds - (double)(time_t)seconds))};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

/* Whether the rank said something, or ended. Time in which this process is stopped does not count. */
static bool starts_in_time(const guard *g) {
    struct pollfd start = {.fd = g->start, .events = POLLIN};
    for (double left = 1e3 * g->timeout; left > 0; left -= SLICE) {
        if (poll(&start, 1, SLICE) > 0) return true;
    }
    return false;
}

/* MPICH's launcher takes no end of a process as one of all, but a word over the descriptor that it gave to the rank. */
static void end_all(int code) {
    const char *launcher = getenv("PMI_FD");
    if (launcher != NULL && strcmp(eki_launcher(), "mpich") == 0)
        (void)dprintf(atoi(launcher), "cmd=abort exitcode=%d\n", code);
}

static int give_up(const guard *g) {
    char absent[EK_ERROR_TEXT / 2];
    ek_error err;
    eki_absent_text(absent, sizeof absent);
    (void)eki_fail(
        &err, EK_ERR_DIST,
        "the start of %d ranks has not ended in %g s: %s; start the same program on all of them, or give more "
        "time (--timeout)",
        eki_launched_ranks(), g->timeout, absent);
    if (g->say != NULL) g->say(eki_launched_rank(), eki_launched_ranks(), &err);
    (void)fflush(NULL);
    rest(patience);
    (void)kill(g->rank, SIGKILL);
    (void)waitpid(g->rank, NULL, 0);
    end_all(g->code);
    return g->code;
}

static int watch_over(const guard *g) {
    int status = 0;
    leave_signals_to_the_rank();
    eki_absent_mark();
    if (!starts_in_time(g)) return give_up(g);
    while (waitpid(g->rank, &status, 0) < 0) {
        if (errno != EINTR) return EXIT_FAILURE;
    }
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (!asked_to_end(number)) rest(g->timeout + grace);
    return SIGNALLED + number;
}

/* In the rank. */
static int go_on(pid_t parent, const int start[2]) {
    (void)close(start[0]);
    start_told = start[1];
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);              /* no rank outlives its guard */
    if (getppid() != parent) return SIGNALLED + SIGKILL; /* it has died meanwhile */
    return THE_RANK;
}

int ek_comm_guard(double timeout, int code, void (*say)(int rank, int ranks, const ek_error *err)) {
    int start[2];
    if (!wanted() || pipe(start) != 0) return THE_RANK;
    for (int i = 0; i < 2; i++) (void)fcntl(start[i], F_SETFD, FD_CLOEXEC);
    (void)fflush(NULL); /* or both would write what is buffered */
    guard g = {.start = start[0], .timeout = timeout > 0 && timeout < 1e6 ? timeout : 1e6, .code = code, .say = say};
    pid_t parent = getpid();
    g.rank = fork();
    if (g.rank == 0) return go_on(parent, start);
    (void)close(start[1]);
    if (g.rank > 0) return watch_over(&g);
    (void)close(start[0]);
    return THE_RANK; /* without a guard */
}
