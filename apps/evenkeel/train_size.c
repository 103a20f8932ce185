/* train_size.c: how many images a step has and how many epochs there are, where the user says neither; and what is too
 * small for batch norm.
 *
 * Three epochs of a few images are a few steps, which teach nothing, and a batch that holds most of the images gives
 * batch norm the same statistics at every step, which then does not learn to do without them. Both numbers are kept in
 * the checkpoint as if they had been given.
 */
#include "message.h"
#include "train_job.h"

#include <string.h>

enum { LEAST_STEPS = 500, LEAST_BATCH = 8, PARTS = 6, FEW = 4 };

static int said(const train_job *job, const char *name) { return option_given(job->args, name); }

/* A last batch of fewer images than batch norm needs? */
static int leaves_few(int64_t images, int64_t batch) { return images % batch > 0 && images % batch < FEW; }

static int64_t smaller_batch(int64_t images, int64_t batch, int64_t least) {
    while (batch / 2 >= least && batch * PARTS > images) batch /= 2;
    for (int64_t b = batch; b > batch - FEW && b > 1; b--)
        if (!leaves_few(images, b)) return b;
    return batch;
}

void train_choose_size(train_job *job) {
    int64_t images = ek_dataset_describe(job->train).count, batch = option_int(job->args, "batch");
    int drop = option_choice(job->args, "last") == 1;
    if (job->resumed || said(job, "epochs") || said(job, "steps")) return;
    int64_t least = (int64_t)LEAST_BATCH * ek_comm_size(job->comm);
    if (!said(job, "batch") && batch * PARTS > images && ek_model_input(job->model, 0).dims[0] < 0) {
        int64_t smaller = smaller_batch(images, batch, least);
        if (smaller != batch) job->chosen_batch = batch = smaller;
    }
    int64_t batches = drop ? images / batch : (images + batch - 1) / batch, epochs = option_int(job->args, "epochs");
    if (batches >= 1 && epochs * batches < LEAST_STEPS) job->chosen_epochs = (LEAST_STEPS + batches - 1) / batches;
}

int64_t train_batch(const train_job *job) {
    return job->chosen_batch > 0 ? job->chosen_batch : option_int(job->args, "batch");
}

int64_t train_epochs(const train_job *job) {
    return job->chosen_epochs > 0 ? job->chosen_epochs : option_int(job->args, "epochs");
}

int64_t train_chosen(const train_job *job, const char *name) {
    if (strcmp(name, "epochs") == 0) return job->chosen_epochs;
    return strcmp(name, "batch") == 0 ? job->chosen_batch : 0;
}

int train_averages(const train_job *job) {
    for (size_t i = 0; i < ek_model_norm_count(job->model); i++) {
        ek_model_norm norm = ek_model_norm_get(job->model, i);
        if (norm.kind == EK_NORM_BATCH && !norm.stats_frozen) return 1;
    }
    return 0;
}

static void warn_small(const train_job *job) {
    int64_t images = ek_dataset_describe(job->train).count, batch = job->loading.batch;
    int64_t whole = batch < images ? batch : images, ranks = job->training.sync_norm ? 1 : ek_comm_size(job->comm);
    int built = !option_given(job->args, "model") || ek_model_path(job->model)[0] == 0;
    const char *other = built ? ", or --norm group:8, which needs no batch" : ", or --freeze-stats";
    if (whole / ranks < FEW)
        warn("batch norm takes its statistics from %lld image%s at a time, which is too few: use --batch %lld%s",
             (long long)(whole / ranks), whole / ranks == 1 ? "" : "s", (long long)(LEAST_BATCH * ranks), other);
    else if (batch >= images && images > LEAST_BATCH)
        warn("all %lld images are in one batch, so that batch norm sees the same statistics at every step: use --batch "
             "%d%s",
             (long long)images, LEAST_BATCH, other);
    else if (!job->loading.drop_last && leaves_few(images, batch))
        warn("the last batch of an epoch has %lld image%s, too few for batch norm: --last drop leaves it out",
             (long long)(images % batch), images % batch == 1 ? "" : "s");
}

void train_tell_size(const train_job *job) {
    if (job->chosen_epochs > 0)
        note("epochs    %lld  (%lld epochs would be only %lld steps; --epochs %lld does that)",
             (long long)job->chosen_epochs, (long long)option_int(job->args, "epochs"),
             (long long)(option_int(job->args, "epochs") * job->batches), (long long)option_int(job->args, "epochs"));
    if (job->chosen_batch > 0)
        note("batch     %lld  (%lld would be more than a sixth of the images; --batch %lld does that)",
             (long long)job->chosen_batch, (long long)option_int(job->args, "batch"),
             (long long)option_int(job->args, "batch"));
    if (train_averages(job)) warn_small(job);
}
