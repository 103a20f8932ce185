/* interrupt.c: stopping on request, and leaving nothing behind. */
#include "interrupt.h"

#include <evenkeel/files.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

static volatile sig_atomic_t wanted;

/* The signal comes again, and ends the program as it would have. */
static void on_end(int signal_number) {
    ek_file_abandon();
    raise(signal_number);
}

/* What the parent has had ignored (nohup) stays ignored, and a debugger's or sanitizer's handler in force. */
static void handle(int signal_number, void (*handler)(int), int flags) {
    struct sigaction action, before;
    if (sigaction(signal_number, NULL, &before) != 0) return;
    if (before.sa_handler != SIG_DFL && before.sa_handler != on_end) return;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigemptyset(&action.sa_mask);
    sigaction(signal_number, &action, NULL);
}

static void on_request(int signal_number) {
    wanted = signal_number;
    signal(signal_number, SIG_DFL);
    handle(signal_number, on_end, (int)SA_RESETHAND);
}

void interrupt_prepare(void) {
    static const int ending[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,    SIGFPE,  SIGUSR1,
                                 SIGSEGV, SIGUSR2, SIGALRM, SIGTERM, SIGXCPU, SIGPOLL, SIGVTALRM, SIGPROF, SIGSYS};
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) handle(ending[i], on_end, (int)SA_RESETHAND);
}

void interrupt_leave(int signal_number) { signal(signal_number, SIG_DFL); }

void interrupt_listen(void) {
    handle(SIGINT, on_request, 0);
    handle(SIGTERM, on_request, 0);
}

int interrupt_wanted(void) { return wanted; }
