/* fault_rank.c: one rank of a training run in which a rank goes wrong; started by faults.sh under mpirun.
 *
 *     fault_rank KIND RANK OUT.onnx TIMEOUT      trains 6 steps, with a checkpoint after the third and at the end
 *     fault_rank check 0 OUT.onnx 0              loads the checkpoint
 *
 * KIND is what goes wrong on RANK: none, fewer (it ends a step early), model, channels, slow, stop (SIGSTOP), and
 * kill-forward, kill-backward, kill-save (SIGKILL); stop-start stops any rank between its guard and MPI. The linker
 * puts the functions __wrap_... below in the way of the real ones, so that a fault happens inside a step.
 */
#include <evenkeel/model.h>
#include <evenkeel/sync.h>
#include <evenkeel/train.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 6, SAVE_AFTER = 3, FAULT_STEP = 5, BATCH = 12 };

static const char *kind = "none";
static int is_odd, step;
static double timeout;
static volatile sig_atomic_t told;

static void on_signal(int number) { told = number; }
static void listen_to(int number) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static int stopped(void *context) {
    (void)context;
    return told != 0;
}

static void happen(const char *what) {
    if (!is_odd || step != FAULT_STEP || strcmp(kind, what) != 0) return;
    step = 0; /* once */
    if (strcmp(what, "slow") == 0) {
        const struct timespec pause = {.tv_sec = (time_t)(3 * timeout) + 1};
        (void)nanosleep(&pause, NULL);
    } else {
        raise(strcmp(what, "stop") == 0 ? SIGSTOP : SIGKILL);
    }
}

ek_status __real_ek_norm_sync_forward_start(const ek_norm_plan *plan, const ek_norm_sync *sync, void *state,
                                            const ek_norm_args *args, ek_error *err);
ek_status __wrap_ek_norm_sync_forward_start(const ek_norm_plan *plan, const ek_norm_sync *sync, void *state,
                                            const ek_norm_args *args, ek_error *err);
ek_status __wrap_ek_norm_sync_forward_start(const ek_norm_plan *plan, const ek_norm_sync *sync, void *state,
                                            const ek_norm_args *args, ek_error *err) {
    happen("kill-forward");
    happen("slow");
    happen("stop");
    return __real_ek_norm_sync_forward_start(plan, sync, state, args, err);
}

ek_status __real_ek_norm_sync_backward_start(const ek_norm_plan *plan, const ek_norm_sync *sync, void *state,
                                             const ek_norm_args *args, ek_error *err);
ek_status __wrap_ek_norm_sync_backward_start(const ek_norm_plan *plan, const ek_norm_sync *sync, void *state,
                                             const ek_norm_args *args, ek_error *err);
ek_status __wrap_ek_norm_sync_backward_start(const ek_norm_plan *plan, const ek_norm_sync *sync, void *state,
                                             const ek_norm_args *args, ek_error *err) {
    happen("kill-backward");
    return __real_ek_norm_sync_backward_start(plan, sync, state, args, err);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to) {
    happen("kill-save");
    return __real_rename(from, to);
}

static ek_status make_model(ek_model **model, const ek_dataset_info *data, ek_error *err) {
    ek_build_options o = ek_build_options_default(is_odd && strcmp(kind, "model") == 0 ? "lenet" : "cnn6");
    o.channels = is_odd && strcmp(kind, "channels") == 0 ? 3 : data->channels;
    o.height = data->height;
    o.width = data->width;
    o.classes = data->classes;
    return ek_model_build(&o, model, err);
}

static ek_status train(ek_comm *comm, const char *output, ek_error *err) {
    ek_dataset *data = NULL;
    ek_model *model = NULL;
    ek_loader *loader = NULL;
    ek_trainer *trainer = NULL;
    ek_loader_options l = ek_loader_options_default();
    ek_train_options o = ek_train_options_default();
    ek_status status = ek_dataset_open("builtin:strokes:240", EK_SPLIT_TRAIN, NULL, &data, err);
    const ek_dataset_info info = status == EK_OK ? ek_dataset_describe(data) : (ek_dataset_info){0};
    if (status == EK_OK) status = make_model(&model, &info, err);
    l.batch = BATCH;
    l.rank = ek_comm_rank(comm);
    l.ranks = ek_comm_size(comm);
    o.total_steps = STEPS;
    o.threads = 1;
    o.comm = comm;
    o.sync_norm = 1;
    if (status == EK_OK) status = ek_loader_create(data, &l, &loader, err);
    if (status == EK_OK) status = ek_trainer_create(model, &o, &trainer, err);
    if (status == EK_OK) status = ek_loader_start_epoch(loader, 0, 0, err);
    int steps = is_odd && strcmp(kind, "fewer") == 0 ? FAULT_STEP - 1 : STEPS;
    for (int i = 1; i <= steps && status == EK_OK; i++) {
        ek_batch batch;
        step = i;
        status = ek_loader_next(loader, &batch, err);
        if (status == EK_OK) status = ek_trainer_step(trainer, &batch, NULL, err);
        bool save = i == SAVE_AFTER || i == FAULT_STEP || i == STEPS;
        if (status == EK_OK && save) status = ek_trainer_save(trainer, output, NULL, err);
    }
    ek_trainer_destroy(trainer);
    ek_loader_destroy(loader);
    ek_model_destroy(model);
    ek_dataset_close(data);
    return status;
}

static int check(const char *output) {
    ek_checkpoint checkpoint;
    ek_error err;
    if (ek_checkpoint_load(output, &checkpoint, &err) != EK_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    ek_model_destroy(checkpoint.model);
    ek_checkpoint_free(&checkpoint);
    return 0;
}

static void say(int rank, int ranks, const ek_error *err) {
    (void)ranks;
    fprintf(stderr, "rank %d ends: %s: %s\n", rank, ek_status_name(err->status), err->text);
}

int main(int argc, char **argv) {
    ek_comm *comm;
    ek_error err;
    if (argc != 5) return 2;
    kind = argv[1];
    timeout = atof(argv[4]);
    if (strcmp(kind, "check") == 0) return check(argv[3]);
    int guarded = ek_comm_guard(timeout + 30, 7, say);
    if (guarded >= 0) return guarded;
    if (strcmp(kind, "stop-start") == 0) raise(SIGSTOP);
    listen_to(SIGTERM);
    ek_comm_options o = ek_comm_options_default();
    o.timeout = timeout;
    o.stopped = stopped;
    ek_status status = ek_comm_open(&o, &comm, &err);
    if (status != EK_OK) {
        fprintf(stderr, "no communicator: %s\n", err.text);
        return 3;
    }
    is_odd = ek_comm_rank(comm) == atoi(argv[2]);
    fprintf(stderr, "rank %d is process %ld\n", ek_comm_rank(comm), (long)getpid());
    status = train(comm, argv[3], &err);
    if (status != EK_OK) {
        ek_comm_tell(comm, &err);
        fprintf(stderr, "rank %d ends: %s: %s\n", ek_comm_rank(comm), ek_status_name(status), err.text);
    }
    ek_comm_close(comm, status, 7);
    return status == EK_OK ? 0 : 7;
}
