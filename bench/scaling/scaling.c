/* scaling.c: what exchanges cost, measured here, and what they would cost on many ranks: docs/scaling.md.
 *
 *     mpirun -n R scaling measure          microseconds of a join and of a sum around a ring, by message size
 *     scaling predict ALPHA BETA CORES SWITCH   the same by the model, for 2 to 8 ranks on CORES processors
 *     scaling resnet50 ALPHA BETA          a step of ResNet-50 on 8 to 4096 ranks, simulated
 *
 * ALPHA: microseconds that a message takes whatever its size; BETA: nanoseconds per byte; SWITCH: microseconds until a
 * processor runs another rank.
 */
#include "dist/comm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

/* ---- measure ---- */

static ek_status keep_left(void *context, const void *left, size_t left_bytes, const void *right, size_t right_bytes,
                           void *into, size_t *bytes, ek_error *err) {
    (void)context;
    (void)right;
    (void)right_bytes;
    (void)err;
    memcpy(into, left, left_bytes);
    *bytes = left_bytes;
    return EK_OK;
}

static ek_status exchange(ek_comm *comm, bool ring, float *data, size_t bytes, ek_error *err) {
    eki_exchange *x;
    const eki_label label = eki_label_make(EKI_KIND_DATA, "measure", 1, -1, EK_F32);
    ek_status status =
        ring ? eki_sum_start(comm, eki_comm_world(comm), 0, &label, data, bytes / sizeof *data, &x, err)
             : eki_join_start(comm, eki_comm_world(comm), 0, &label, data, bytes, keep_left, NULL, &x, err);
    if (status == EK_OK) status = eki_exchange_wait(x, err);
    if (status == EK_OK) eki_exchange_free(x);
    return status;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of 15 times the mean of some exchanges. */
static ek_status median_of(ek_comm *comm, bool ring, float *data, size_t bytes, double *result, ek_error *err) {
    enum { TIMES = 15 };
    double times[TIMES];
    int each = bytes < 100000 ? 40 : 4;
    for (int t = 0; t < TIMES; t++) {
        double begin = now();
        for (int i = 0; i < each; i++) {
            ek_status status = exchange(comm, ring, data, bytes, err);
            if (status != EK_OK) return status;
        }
        times[t] = (now() - begin) / each;
    }
    qsort(times, TIMES, sizeof *times, by_size);
    *result = times[TIMES / 2];
    return EK_OK;
}

static const size_t join_sizes[] = {256, 1024, 4096, 16384, 65536};
static const size_t ring_sizes[] = {65536, 262144, 1048576, 4194304};
enum { JOINS = 5, RINGS = 4 };

static int measure(void) {
    ek_comm *comm;
    ek_error err;
    float *data = calloc(1, ring_sizes[RINGS - 1]);
    ek_status status = ek_comm_open(NULL, &comm, &err);
    if (status != EK_OK || data == NULL) {
        fprintf(stderr, "%s\n", status != EK_OK ? err.text : "out of memory");
        return 1;
    }
    for (int i = 0; i < JOINS + RINGS && status == EK_OK; i++) {
        bool ring = i >= JOINS;
        size_t bytes = ring ? ring_sizes[i - JOINS] : join_sizes[i];
        double us;
        status = median_of(comm, ring, data, bytes, &us, &err);
        if (status == EK_OK && ek_comm_rank(comm) == 0) {
            printf("%d ranks  %-4s %8zu bytes %10.1f us\n", ek_comm_size(comm), ring ? "ring" : "join", bytes, us);
        }
    }
    if (status != EK_OK) fprintf(stderr, "%s\n", err.text);
    ek_comm_close(comm, status, 7);
    free(data);
    return status != EK_OK;
}

/* ---- the model ---- */

typedef struct network {
    double alpha, beta; /* us per message, us per byte */
    double add;         /* us per byte of a sum */
} network;

static const double frame_bytes = 152, add_per_byte = 1e-4; /* 10 GB/s */

static double message(const network *net, double bytes) { return net->alpha + net->beta * (bytes + frame_bytes); }

static int rounds_of(int ranks) {
    int power = 1, rounds = 0;
    for (; 2 * power <= ranks; power *= 2) rounds++;
    return rounds + (power < ranks ? 2 : 0);
}

static double join_time(const network *net, int ranks, double bytes) {
    return ranks < 2 ? 0 : rounds_of(ranks) * (message(net, bytes) + net->add * bytes);
}

static double ring_time(const network *net, int ranks, double bytes) {
    if (ranks < 2) return 0;
    double part = bytes / ranks;
    return 2 * (ranks - 1) * message(net, part) + (ranks - 1) * net->add * part;
}

/* More ranks than processors take turns: every round costs as many turns, and changing between them. */
static int predict(const network *net, int cores, double change) {
    static const int counts[] = {2, 3, 4, 8};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        double turns = counts[c] > cores ? (double)counts[c] / cores : 1;
        for (int i = 0; i < JOINS + RINGS; i++) {
            bool ring = i >= JOINS;
            double bytes = (double)(ring ? ring_sizes[i - JOINS] : join_sizes[i]);
            int rounds = ring ? 2 * (counts[c] - 1) : rounds_of(counts[c]);
            double us = turns * (ring ? ring_time(net, counts[c], bytes) : join_time(net, counts[c], bytes));
            us += change * (turns - 1) * rounds;
            printf("%d ranks  %-4s %8.0f bytes %10.1f us\n", counts[c], ring ? "ring" : "join", bytes, us);
        }
    }
    return 0;
}

/* ---- ResNet-50 ---- */

typedef struct layer {
    int channels;
    double weights, work; /* work: multiply-adds per image */
} layer;

enum { MOST_LAYERS = 64, RANKS = 4096 };

static void add_layer(layer *layers, int *n, int in, int out, int kernel, int extent) {
    double weights = (double)in * out * kernel * kernel;
    layers[(*n)++] = (layer){out, weights + 2 * out, weights * extent * extent};
}

static int make_resnet50(layer layers[MOST_LAYERS]) {
    static const int blocks[4] = {3, 4, 6, 3};
    int n = 0, in = 64, extent = 56;
    add_layer(layers, &n, 3, 64, 7, 112);
    for (int stage = 0; stage < 4; stage++) {
        int width = 64 << stage;
        for (int b = 0; b < blocks[stage]; b++) {
            int before = extent;
            if (b == 0 && stage > 0) extent /= 2;
            add_layer(layers, &n, in, width, 1, before);
            add_layer(layers, &n, width, width, 3, extent);
            add_layer(layers, &n, width, 4 * width, 1, extent);
            if (b == 0) add_layer(layers, &n, in, 4 * width, 1, extent);
            in = 4 * width;
        }
    }
    return n;
}

typedef struct run {
    network net;
    int ranks, group; /* 0 = norms are not synchronized */
    bool overlap;
    double speed, jitter; /* multiply-adds per us; how much slower the slowest rank may be in a layer */
    double clock[RANKS];
} run;

/* The same numbers every time: rank r in layer l is up to `jitter` slower. */
static double slower(const run *s, int r, int l) {
    uint32_t h = (uint32_t)r * 2654435761u ^ ((uint32_t)l + 1) * 40503u * 2654435761u;
    h ^= h >> 15;
    h *= 2246822519u;
    h ^= h >> 13;
    return 1 + s->jitter * (double)(h % 1000) / 1000;
}

/* A group leaves an exchange together: when its last has come, and the rounds are over. */
static void meet(run *s, double bytes) {
    for (int first = 0; s->group > 1 && first < s->ranks; first += s->group) {
        int end = first + s->group < s->ranks ? first + s->group : s->ranks;
        double last = 0;
        for (int r = first; r < end; r++) last = fmax(last, s->clock[r]);
        last += join_time(&s->net, end - first, bytes);
        for (int r = first; r < end; r++) s->clock[r] = last;
    }
}

static double latest(const run *s) {
    double last = 0;
    for (int r = 0; r < s->ranks; r++) last = fmax(last, s->clock[r]);
    return last;
}

/* Milliseconds of a step with `images` per rank. Gradients go around in buckets of 256 KiB, one after the other. */
static double simulate(run *s, const layer *layers, int n, int images) {
    double bucket = 0, line = 0; /* bytes that wait, and when the line is free */
    memset(s->clock, 0, sizeof s->clock);
    for (int l = 0; l < n; l++) {
        for (int r = 0; r < s->ranks; r++) s->clock[r] += slower(s, r, l) * layers[l].work * images / s->speed;
        meet(s, 256 + 32 + 16.0 * layers[l].channels);
    }
    for (int l = n - 1; l >= 0; l--) {
        meet(s, 256 + 32 + 16.0 * layers[l].channels);
        for (int r = 0; r < s->ranks; r++) s->clock[r] += 2 * slower(s, r, l + n) * layers[l].work * images / s->speed;
        bucket += 4 * layers[l].weights;
        if (l > 0 && bucket < 262144) continue;
        if (s->overlap) line = fmax(line, latest(s)) + ring_time(&s->net, s->ranks, bucket);
        if (!s->overlap) line += ring_time(&s->net, s->ranks, bucket);
        bucket = 0;
    }
    return 1e-3 * (s->overlap ? fmax(latest(s), line) : latest(s) + line);
}

static int resnet50(const network *net) {
    static const int counts[] = {1, 8, 16, 64, 256, 1024, 4096};
    layer layers[MOST_LAYERS];
    run *s = calloc(1, sizeof *s);
    int n = make_resnet50(layers), images = 8;
    if (s == NULL) return 1;
    printf("milliseconds of a step, 8 images per rank, 4e5 multiply-adds per us, ranks up to 5 %% slower in a layer\n");
    printf("%6s %10s %12s %12s %12s %16s\n", "ranks", "plain", "sync", "groups of 8", "groups of 32",
           "sync, no overlap");
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        double ms[5];
        const int groups[5] = {0, counts[c], 8, 32, counts[c]};
        for (int i = 0; i < 5; i++) {
            *s = (run){
                .net = *net, .ranks = counts[c], .group = groups[i], .overlap = i < 4, .speed = 4e5, .jitter = 0.05};
            ms[i] = simulate(s, layers, n, images);
        }
        printf("%6d %10.1f %12.1f %12.1f %12.1f %16.1f\n", counts[c], ms[0], ms[1], ms[2], ms[3], ms[4]);
    }
    free(s);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "measure") == 0) return measure();
    network net = {.add = add_per_byte};
    if (argc >= 4) net = (network){.alpha = atof(argv[2]), .beta = 1e-3 * atof(argv[3]), .add = add_per_byte};
    if (argc == 6 && strcmp(argv[1], "predict") == 0) return predict(&net, atoi(argv[4]), atof(argv[5]));
    if (argc == 4 && strcmp(argv[1], "resnet50") == 0) return resnet50(&net);
    fprintf(
        stderr,
        "usage: mpirun -n R scaling measure | scaling predict ALPHA BETA CORES SWITCH | scaling resnet50 ALPHA BETA\n");
    return 2;
}
