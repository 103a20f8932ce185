/* interrupt.c: stopping on request.
 *
 * The handler only sets a flag. It is dropped after the first signal (SA_RESETHAND), so that a second Ctrl-C ends the
 * program as usual; files are replaced atomically, so that this is safe too.
 */
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

static volatile sig_atomic_t wanted;

static void on_signal(int signal_number) { wanted = signal_number; }

void interrupt_listen(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int interrupt_wanted(void) { return wanted; }
