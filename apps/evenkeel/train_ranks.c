/* train_ranks.c: `evenkeel train` under mpirun: rank 0 speaks, writes and tests, the others compute along. */
#include "interrupt.h"
#include "message.h"
#include "train_job.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int stopped(void *context) {
    (void)context;
    return interrupt_wanted() != 0;
}

/* Ranks on this machine share its processors. */
static int default_threads(int ranks) {
    static const char *const names[] = {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"};
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int here = ranks;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (getenv(names[i]) != NULL && atoi(getenv(names[i])) > 0) here = atoi(getenv(names[i]));
    return processors > here ? (int)(processors / here) : 1;
}

static void say(int rank, int ranks, const ek_error *err) {
    tool_voice.rank = rank;
    tool_voice.ranks = ranks;
    report(err);
}

int train_guard(const arguments *args) { return ek_comm_guard(option_real(args, "timeout"), EXIT_DISTRIBUTED, say); }

ek_status train_join(train_job *job, ek_error *err) {
    ek_comm_options o = ek_comm_options_default();
    o.timeout = option_real(job->args, "timeout");
    o.stopped = stopped;
    if (getenv("PMI_SIZE") != NULL) interrupt_leave(SIGUSR1); /* MPICH says so that a rank has died */
    ek_status status = ek_comm_open(&o, &job->comm, err);
    if (status != EK_OK) return status;
    tool_voice.rank = ek_comm_rank(job->comm);
    tool_voice.ranks = ek_comm_size(job->comm);
    return EK_OK;
}

int train_threads(const train_job *job) {
    int threads = (int)option_int(job->args, "threads"), ranks = ek_comm_size(job->comm);
    return threads == 0 && ranks > 1 && getenv("OMP_NUM_THREADS") == NULL ? default_threads(ranks) : threads;
}

void train_use_ranks(train_job *job) {
    job->training.comm = job->comm;
    job->training.sync_norm = option_flag(job->args, "sync-norm");
    job->training.sync_group = (int)option_int(job->args, "sync-group");
}

ek_status train_agree(const train_job *job, ek_error *err) {
    return ek_comm_agree(job->comm, "set of options or other data", job->flags, strlen(job->flags), err);
}

int train_stops(const train_job *job) {
    return ek_comm_size(job->comm) > 1 ? job->last.stopped : interrupt_wanted() != 0;
}
