/* watch.c: which ranks of this machine have died. A process can be watched by a descriptor of it (pidfd, Linux 5.3),
 * which tells a dead process from a slow one at once and for certain, whatever the launcher does or leaves undone.
 * Ranks on other machines, and where there are no such descriptors, have the deadline. */
#define _DEFAULT_SOURCE 1 /* syscall */
#include "dist/comm_internal.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where a process runs: machine (since its start) and namespace of process numbers, and its number there. */
typedef struct place {
    char boot[40];
    uint64_t space;
    int64_t process;
} place;

struct eki_watch {
    int count;
    int *ranks;
    struct pollfd *processes;
};

static place this_place(void) {
    place p = {.process = (int64_t)getpid()};
    struct stat space;
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (f != NULL) {
        if (fgets(p.boot, sizeof p.boot, f) == NULL) p.boot[0] = '\0';
        (void)fclose(f);
    }
    if (stat("/proc/self/ns/pid", &space) == 0) p.space = (uint64_t)space.st_ino;
    return p;
}

static int descriptor_of(int64_t process) {
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, (pid_t)process, 0u);
#else
    (void)process;
    return -1;
#endif
}

static bool watchable(const place *mine, const place *other) {
    return mine->boot[0] != '\0' && mine->space != 0 && strcmp(mine->boot, other->boot) == 0 &&
           mine->space == other->space;
}

static ek_status watch_all(const place *places, int rank, int ranks, eki_watch *w, ek_error *err) {
    w->ranks = eki_calloc((size_t)ranks, sizeof *w->ranks);
    w->processes = eki_calloc((size_t)ranks, sizeof *w->processes);
    if (w->ranks == NULL || w->processes == NULL) return eki_fail_nomem(err, (size_t)ranks * sizeof *w->processes);
    for (int r = 0; r < ranks; r++) {
        if (r == rank || !watchable(&places[rank], &places[r])) continue;
        int descriptor = descriptor_of(places[r].process);
        if (descriptor < 0) continue;
        w->ranks[w->count] = r;
        w->processes[w->count++] = (struct pollfd){.fd = descriptor, .events = POLLIN};
    }
    return EK_OK;
}

ek_status eki_watch_start(ek_comm *comm, ek_error *err) {
    const place mine = this_place();
    const eki_label label = eki_label_make(EKI_KIND_CHECK, "processes", 0, -1, 0);
    void *all = NULL;
    size_t bytes = 0;
    EKI_TRY(eki_all_gather(comm, 0, &label, &mine, sizeof mine, &all, &bytes, err));
    ek_status status = EK_OK;
    comm->watch = eki_calloc(1, sizeof *comm->watch);
    if (comm->watch == NULL) status = eki_fail_nomem(err, sizeof *comm->watch);
    if (status == EK_OK && bytes == (size_t)ek_comm_size(comm) * sizeof mine) {
        status = watch_all(all, ek_comm_rank(comm), ek_comm_size(comm), comm->watch, err);
    }
    free(all);
    return status;
}

int eki_watch_dead(const ek_comm *comm, double seconds) {
    eki_watch *w = comm->watch;
    if (w == NULL || w->count == 0 || poll(w->processes, (nfds_t)w->count, (int)(1e3 * seconds)) <= 0) return -1;
    for (int i = 0; i < w->count; i++) {
        if (w->processes[i].revents & POLLIN) return w->ranks[i];
    }
    return -1;
}

void eki_watch_free(eki_watch *w) {
    if (w == NULL) return;
    for (int i = 0; i < w->count; i++) (void)close(w->processes[i].fd);
    free(w->ranks);
    free(w->processes);
    free(w);
}
