/* absent.c: which ranks of this machine have not come to the start, and what has become of their processes.
 *
 * A launcher gives each process its rank in the environment, and /proc shows the environment of every process of this
 * user. A guard (guard.c) that waits for the start has a name of its own there.
 */
#include "dist/absent.h"

#include "base/memory.h"
#include "dist/transport.h"

#include <ctype.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define GUARD_NAME "ek-rank-guard"

enum { ENVIRONMENT = 1 << 16, FILE_NAME = 64, NAMED = 8 /* ranks that a text names */ };

typedef struct process {
    long number, parent;
    char state;
    char name[20];
} process;

typedef struct rank_seen {
    bool came;
    process any; /* number 0 = none */
} rank_seen;

/* The variables in which the launcher says which rank a process is. */
static const char *rank_variable(void) {
    return strcmp(eki_launcher(), "openmpi") == 0 ? "OMPI_COMM_WORLD_RANK=" : "PMI_RANK=";
}

static int number_of(const char *variable) {
    const char *text = getenv(variable);
    return text != NULL && atoi(text) > 0 ? atoi(text) : 0;
}

int eki_launched_ranks(void) {
    const char *flavour = eki_launcher();
    if (flavour == NULL) return 1;
    return number_of(strcmp(flavour, "openmpi") == 0 ? "OMPI_COMM_WORLD_SIZE" : "PMI_SIZE");
}

int eki_launched_rank(void) {
    const char *flavour = eki_launcher();
    if (flavour == NULL) return 0;
    return number_of(strcmp(flavour, "openmpi") == 0 ? "OMPI_COMM_WORLD_RANK" : "PMI_RANK");
}

static int ranks_here(void) {
    int open_mpi = number_of("OMPI_COMM_WORLD_LOCAL_SIZE");
    return open_mpi > 0 ? open_mpi : number_of("MPI_LOCALNRANKS");
}

void eki_absent_mark(void) { (void)prctl(PR_SET_NAME, GUARD_NAME); }

static size_t read_proc(long number, const char *what, char *text, size_t room) {
    char path[FILE_NAME];
    (void)snprintf(path, sizeof path, "/proc/%ld/%s", number, what);
    FILE *file = fopen(path, "re");
    if (file == NULL) return 0;
    size_t size = fread(text, 1, room - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    return size;
}

/* "number (name) state parent": the name may hold anything. */
static bool examine(long number, process *p) {
    char text[256];
    (void)read_proc(number, "stat", text, sizeof text);
    const char *open = strchr(text, '('), *close = strrchr(text, ')');
    if (open == NULL || close == NULL || close[1] != ' ') return false;
    size_t length = (size_t)(close - open) - 1;
    *p = (process){.number = number, .state = close[2], .parent = strtol(close + 3, NULL, 10)};
    for (size_t i = 0; i < length && i < sizeof p->name - 1; i++) {
        p->name[i] = isprint((unsigned char)open[1 + i]) ? open[1 + i] : '?';
    }
    return true;
}

/* The rank in its environment, or -1. */
static int rank_of(long number, char *environment) {
    const char *variable = rank_variable();
    size_t size = read_proc(number, "environ", environment, ENVIRONMENT), length = strlen(variable);
    for (const char *at = environment; at < environment + size; at += strlen(at) + 1) {
        if (strncmp(at, variable, length) == 0) return atoi(at + length);
    }
    return -1;
}

/* The first ancestor that is no rank: what started the ranks of this machine. */
static long launcher_of(long number, char *environment) {
    process p;
    while (examine(number, &p) && p.parent > 1 && rank_of(p.parent, environment) >= 0) number = p.parent;
    return examine(number, &p) ? p.parent : 0;
}

static bool is_guard(const process *p) { return strcmp(p->name, GUARD_NAME) == 0; }

/* What is stopped says most, then what the launcher started itself. */
static void see(rank_seen *rank, const process *p) {
    bool stopped = p->state == 'T' || p->state == 't';
    if (is_guard(p)) rank->came = true;
    if (rank->any.number == 0 || stopped) rank->any = *p;
}

static void see_all(rank_seen *seen, int ranks, char *environment) {
    DIR *all = opendir("/proc");
    long launcher = launcher_of((long)getpid(), environment);
    process p;
    if (all == NULL) return;
    for (const struct dirent *entry; (entry = readdir(all)) != NULL;) {
        long number = strtol(entry->d_name, NULL, 10);
        int rank = number > 0 ? rank_of(number, environment) : -1;
        if (rank < 0 || rank >= ranks || !examine(number, &p) || p.state == 'Z') continue;
        if (launcher_of(number, environment) == launcher) see(&seen[rank], &p);
    }
    closedir(all);
}

static bool stopped(const rank_seen *rank) { return rank->any.state == 'T' || rank->any.state == 't'; }

typedef struct sentence {
    char *text;
    size_t room, used;
    int named;
} sentence;

__attribute__((format(printf, 2, 3))) static void say(sentence *s, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int more = vsnprintf(s->text + s->used, s->room - s->used, format, args);
    va_end(args);
    if (more > 0) s->used = s->used + (size_t)more < s->room ? s->used + (size_t)more : s->room - 1;
}

static void say_one(sentence *s, int r, const rank_seen *rank, bool all_here) {
    const process *p = &rank->any;
    if (rank->came && !stopped(rank)) return;
    if (s->named++ >= NAMED) return;
    say(s, "%srank %d never came: ", s->named == 1 ? "" : "; ", r);
    if (p->number == 0) {
        say(s, all_here ? "its process has ended" : "it has no process on this machine");
    } else {
        say(s, "its process %ld (%s) %s", p->number, p->name,
            stopped(rank) ? "is stopped" : "runs, but does not start MPI");
    }
}

static void say_all(sentence *s, const rank_seen *seen, int ranks) {
    int own = eki_launched_rank();
    if (own >= ranks || seen[own].any.number == 0) { /* no /proc */
        say(s, "which ranks are missing cannot be seen here");
        return;
    }
    for (int r = 0; r < ranks; r++) say_one(s, r, &seen[r], ranks_here() >= ranks);
    if (s->named > NAMED) say(s, "; and %d more", s->named - NAMED);
    if (s->named == 0) say(s, "all of them have come, but MPI does not start");
}

void eki_absent_text(char *text, size_t room) {
    int ranks = eki_launched_ranks();
    sentence s = {.text = text, .room = room};
    rank_seen *seen = eki_calloc((size_t)ranks, sizeof *seen);
    char *environment = eki_alloc(eki_sized(ENVIRONMENT));
    *text = '\0';
    if (seen != NULL && environment != NULL) {
        see_all(seen, ranks, environment);
        say_all(&s, seen, ranks);
    }
    eki_free(environment);
    eki_free(seen);
}
