/* lab_run.c: all arms with all seeds, spread over the processors, and what they measured as evidence. */
#include "study/lab.h"

#include <math.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

typedef struct crew {
    eks_study *study;
    ek_status (*body)(void *context, int index, ek_error *err);
    void *context;
    int count, next, finished;
    ek_status status;
    ek_error *err;
    pthread_mutex_t lock;
} crew;

int eks_stopped(const eks_study *study) {
    const ek_study_options *o = study->options;
    return o->stopped != NULL && o->stopped(o->context) != 0;
}

static void progress(crew *c) {
    const ek_study_options *o = c->study->options;
    double fraction = c->study->done + c->study->share * c->finished / c->count;
    if (o->progress && c->study->current) o->progress(o->context, c->study->current, fraction);
}

static void *work(void *argument) {
    crew *c = argument;
    for (;;) {
        ek_error err = {EK_OK, ""};
        pthread_mutex_lock(&c->lock);
        if (c->status == EK_OK && eks_stopped(c->study)) {
            c->status = EK_ERR_INTERRUPTED;
            if (c->err) eks_fail(c->err, c->status, "interrupted");
        }
        int index = c->status == EK_OK && c->next < c->count ? c->next++ : -1;
        pthread_mutex_unlock(&c->lock);
        if (index < 0) return NULL;
        ek_status status = c->body(c->context, index, &err);
        pthread_mutex_lock(&c->lock);
        c->finished++;
        if (status != EK_OK && c->status == EK_OK) {
            c->status = status;
            if (c->err) *c->err = err;
        }
        progress(c);
        pthread_mutex_unlock(&c->lock);
    }
}

ek_status eks_parallel(eks_study *study, int count, ek_status (*body)(void *context, int index, ek_error *err),
                       void *context, ek_error *err) {
    enum { MOST = 64 };
    pthread_t threads[MOST];
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int workers = study->options->threads > 0 ? study->options->threads : (int)processors, started = 0;
    crew c = {study, body, context, count, 0, 0, EK_OK, err, PTHREAD_MUTEX_INITIALIZER};
    if (workers > count) workers = count;
    if (workers > MOST) workers = MOST;
    for (int i = 1; i < workers; i++)
        if (pthread_create(&threads[started], NULL, work, &c) == 0) started++;
    work(&c);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
    return c.status;
}

typedef struct trial {
    const eks_recipe *recipes;
    int seeds, metric_count;
    const eks_outcome *metrics;
    eks_evidence *evidence;
    uint64_t seed;
} trial;

static ek_status one_run(void *context, int index, ek_error *err) {
    trial *t = context;
    int arm = index / t->seeds, seed = index % t->seeds;
    eks_run run;
    memset(&run, 0, sizeof run);
    for (int i = 0; i < EKS_OUTCOMES; i++) run.out[i] = NAN;
    run.recipe = &t->recipes[arm];
    run.seed = eks_run_seed(t->seed, seed);
    run.seed_index = seed;
    ek_status status = eks_run_train(&run, err);
    if (status == EK_OK) status = eks_run_measure(&run, err);
    for (int m = 0; m < t->metric_count; m++) t->evidence->arms[arm].value[m][seed] = run.out[t->metrics[m]];
    eks_run_free(&run);
    return status;
}

ek_status eks_lab(eks_study *study, const eks_recipe *recipes, int count, int seeds, const eks_outcome *metrics,
                  int metric_count, eks_evidence *evidence, ek_error *err) {
    static const char *const names[] = {"test accuracy",
                                        "test loss",
                                        "training loss",
                                        "test accuracy, statistics measured again",
                                        "test loss, statistics measured again",
                                        "test accuracy, statistics of test batches"};
    trial t = {recipes, seeds, metric_count, metrics, evidence, study->options->seed};
    evidence->arm_count = count;
    evidence->seed_count = seeds;
    evidence->metric_count = metric_count;
    evidence->data = recipes[0].pool->name;
    for (int i = 0; i < count; i++) evidence->arms[i].name = recipes[i].name;
    for (int m = 0; m < metric_count; m++) {
        if (metrics[m] < EKS_EXTRA) evidence->metrics[m] = names[metrics[m]];
        evidence->metric_percent[m] =
            metrics[m] == EKS_TEST_ACCURACY || metrics[m] == EKS_PRECISE_ACCURACY || metrics[m] == EKS_BATCH_ACCURACY;
    }
    return eks_parallel(study, count * seeds, one_run, &t, err);
}

double eks_arm_mean(const eks_evidence *evidence, int arm, int metric) {
    double sum = 0;
    for (int s = 0; s < evidence->seed_count; s++) sum += evidence->arms[arm].value[metric][s];
    return sum / evidence->seed_count;
}

void eks_chart_arms(eks_evidence *evidence, int metric, const char *title, const char *y_label,
                    const char *description) {
    eks_chart *chart = &evidence->chart;
    memset(chart, 0, sizeof *chart);
    chart->kind = EKS_CHART_BARS;
    chart->title = title;
    chart->y_label = y_label;
    chart->description = description;
    chart->y_percent = evidence->metric_percent[metric];
    eks_series *series = eks_chart_series(chart, "mean over seeds", EKS_LINE);
    for (int i = 0; i < evidence->arm_count && i < EKS_LABELS; i++) {
        chart->labels[i] = evidence->arms[i].name;
        eks_point(series, i, eks_arm_mean(evidence, i, metric));
    }
}
