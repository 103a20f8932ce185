/* train_profile.c: what --profile says: where the time went, what data took, which of the two bounds the run, memory.
 */
#include "memory_report.h"
#include "report/json_out.h"
#include "train_job.h"

#include <string.h>
#include <unistd.h>

enum { KINDS = 3, MAX_ROWS = 128 };
static const char *const kind_names[KINDS] = {"convolution", "normalization", "rest"};

static int kind_of(const char *name) {
    int kind = 0;
    while (kind + 1 < KINDS && strcmp(kind_names[kind], name) != 0) kind++;
    return kind;
}

typedef struct profile {
    double forward[KINDS], backward[KINDS], total;
} profile;

static profile measure(const train_job *job) {
    ek_profile_row rows[MAX_ROWS];
    profile p = {.total = 0};
    size_t count = ek_trainer_profile(job->trainer, rows, MAX_ROWS);
    for (size_t i = 0; i < count && i < MAX_ROWS; i++) {
        int kind = kind_of(rows[i].kind);
        p.forward[kind] += rows[i].forward;
        p.backward[kind] += rows[i].backward;
    }
    /* What lies between the operators (loss, optimizer, data, checkpoints) belongs to the rest. */
    for (int k = 0; k < KINDS; k++) p.total += p.forward[k] + p.backward[k];
    return p;
}

/* What a run has waited for. */
typedef struct bound {
    ek_loader_work work;
    double awaited, taken; /* shares: of the time, data awaited; of the processors' time, what preparing data took */
    const char *by, *remedy;
} bound;

static const char *remedy_of(const bound *b, long processors) {
    if (b->work.workers < processors) return "more --workers";
    if (b->work.decoded == 0) return "less augmentation, or more processors";
    return "files that are smaller, or memory for all of them once decoded";
}

static bound find_bound(const train_job *job) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    bound b = {.work = ek_loader_report(job->loader), .by = "training"};
    double all = job->seconds * (double)(processors > 0 ? processors : 1);
    if (job->seconds > 0) b.awaited = ek_loader_waited(job->loader) / job->seconds;
    if (all > 0) b.taken = b.work.making / all;
    if (b.awaited < 0.1) return b;
    b.by = 2 * b.work.decoding > b.work.making ? "decoding" : "preparing data";
    b.remedy = remedy_of(&b, processors);
    return b;
}

static double rate(int64_t images, double seconds) { return seconds > 0 ? (double)images / seconds : 0; }

static void data_lines(FILE *file, const train_job *job) {
    bound b = find_bound(job);
    const ek_loader_work *w = &b.work;
    fprintf(file, "data      %lld images by %d worker%s, %.0f per second and worker", (long long)w->images, w->workers,
            w->workers == 1 ? "" : "s", rate(w->images, w->making));
    if (w->decoded > 0)
        fprintf(file, "; %lld of them decoded, %.0f per second and worker", (long long)w->decoded,
                rate(w->decoded, w->decoding));
    fprintf(file, "\nbound by  %s: data awaited for %.0f %% of the time, preparing them took %.0f %% of the processors",
            b.by, 100 * b.awaited, 100 * b.taken);
    fprintf(file, "%s%s\n", b.remedy != NULL ? "; what helps: " : "", b.remedy != NULL ? b.remedy : "");
}

static void data_json(eki_json *json, const train_job *job) {
    bound b = find_bound(job);
    eki_json_object(json, "data");
    eki_json_int(json, "workers", b.work.workers);
    eki_json_int(json, "images", b.work.images);
    eki_json_int(json, "decoded", b.work.decoded);
    eki_json_real(json, "seconds", b.work.making);
    eki_json_real(json, "decoding_seconds", b.work.decoding);
    eki_json_real(json, "decoded_per_second_and_worker", rate(b.work.decoded, b.work.decoding));
    eki_json_real(json, "awaited_share", b.awaited);
    eki_json_real(json, "processor_share", b.taken);
    eki_json_close(json);
    eki_json_text(json, "bound_by", b.by);
    eki_json_text(json, "remedy", b.remedy);
}

void report_profile(const train_job *job, FILE *file) {
    profile p = measure(job);
    double outside = job->seconds > p.total ? job->seconds - p.total : 0, whole = p.total + outside;
    fprintf(file, "\n%-22s %10s %10s %8s\n", "time", "forward s", "backward s", "share");
    for (int k = 0; k < KINDS; k++)
        fprintf(file, "%-22s %10.3f %10.3f %6.1f %%\n", kind_names[k], p.forward[k], p.backward[k],
                whole > 0 ? 100 * (p.forward[k] + p.backward[k]) / whole : 0);
    fprintf(file, "%-22s %10s %10.3f %6.1f %%\n", "outside the operators", "", outside,
            whole > 0 ? 100 * outside / whole : 0);
    fprintf(file, "%-22s %10s %10.3f %6.1f %%\n", "of it, data awaited", "", ek_loader_waited(job->loader),
            whole > 0 ? 100 * ek_loader_waited(job->loader) / whole : 0);
    fprintf(file, "%.0f images per second\n", job->seconds > 0 ? (double)job->images / job->seconds : 0);
    data_lines(file, job);
    ek_memory_report memory = ek_trainer_memory(job->trainer);
    memory_lines(file, &memory);
    fprintf(file, "          at most %.1f MiB of the process were in memory\n", (double)memory_peak() / (1 << 20));
}

void profile_json(eki_json *json, const train_job *job) {
    profile p = measure(job);
    eki_json_object(json, "profile");
    for (int k = 0; k < KINDS; k++) {
        eki_json_object(json, kind_names[k]);
        eki_json_real(json, "forward", p.forward[k]);
        eki_json_real(json, "backward", p.backward[k]);
        eki_json_close(json);
    }
    eki_json_real(json, "operators", p.total);
    eki_json_real(json, "whole", job->seconds);
    eki_json_real(json, "data_awaited", ek_loader_waited(job->loader));
    data_json(json, job);
    eki_json_close(json);
}
