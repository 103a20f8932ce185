/* newest.c: batch norms beside the oneDNN that this is linked with: newest SHAPES [LAYOUT [ROUNDS [THREADS]]], as
 * newest.sh calls it. A line per case and phase with a 95 % interval, then geometric means.
 */
#include "bench/bench.h"

#include <evenkeel/norm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYOUTS = 3, PHASES = 3 };

static const struct {
    const char *name;
    ek_layout layout;
} layouts[LAYOUTS] = {{"nchw", EK_LAYOUT_NCHW}, {"nhwc", EK_LAYOUT_NHWC}, {"blocked16", EK_LAYOUT_BLOCKED16}};
static const char *const phases[PHASES] = {"training", "inference", "backward"};

typedef struct {
    int cases, slower;
    double logarithms, worst;
} means;

static int measure(const char *text, const ek_bench_shape *shape, int layout, const ek_bench_options *options,
                   means *of) {
    for (int phase = 0; phase < PHASES; phase++) {
        ek_bench_result r;
        ek_error err = {.text = ""};
        if (ek_bench_norm(shape, layouts[layout].layout, (ek_bench_phase)phase, options, &r, &err) != EK_OK) {
            return fprintf(stderr, "%s: %s\n", text, err.text), 1;
        }
        if (r.peer <= 0) continue;
        means *m = of + phase;
        printf("%-24s %-9s %-9s %8.1f %8.1f  %.2f [%.2f, %.2f]%s %.2f  %s\n", text, layouts[layout].name, phases[phase],
               1e6 * r.ours, 1e6 * r.peer, r.ratio, r.low, r.high, r.high < EK_BENCH_SLOWER ? " slower" : "", r.share,
               r.peer_name);
        fflush(stdout);
        m->worst = m->cases++ == 0 || r.ratio < m->worst ? r.ratio : m->worst;
        m->slower += r.high < EK_BENCH_SLOWER;
        m->logarithms += log(r.ratio);
    }
    return 0;
}

static int measure_all(FILE *shapes, int layout, const ek_bench_options *options, means *of) {
    char line[128];
    rewind(shapes);
    while (fgets(line, sizeof line, shapes) != NULL) {
        ek_bench_shape shape;
        ek_error err = {.text = ""};
        line[strcspn(line, "#\n")] = 0;
        if (line[strspn(line, " \t")] == 0) continue;
        if (ek_bench_shape_parse(line, &shape, &err) != EK_OK) return fprintf(stderr, "%s\n", err.text), 1;
        if (measure(line, &shape, layout, options, of) != 0) return 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    const char *only = argc > 2 ? argv[2] : "all";
    ek_bench_options options = ek_bench_options_default();
    if (argc > 3) options.rounds = atoi(argv[3]);
    if (argc > 4) options.threads = atoi(argv[4]);
    FILE *shapes = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (shapes == NULL)
        return fprintf(stderr, "newest: expected a file of shapes, such as bench/shapes/resnet50.txt\n"), 1;
    means of[LAYOUTS][PHASES] = {0};
    printf("case                     layout    phase      ours us  peer us  ratio [95 %%]  share  implementation\n");
    for (int layout = 0; layout < LAYOUTS; layout++) {
        if (strcmp(only, "all") != 0 && strcmp(only, layouts[layout].name) != 0) continue;
        if (measure_all(shapes, layout, &options, of[layout]) != 0) return 1;
    }
    for (int i = 0; i < LAYOUTS * PHASES; i++) {
        const means *m = &of[i / PHASES][i % PHASES];
        if (m->cases == 0) continue;
        printf("%-9s %-9s  geometric mean %.2f, worst %.2f, slower %d of %d\n", layouts[i / PHASES].name,
               phases[i % PHASES], exp(m->logarithms / m->cases), m->worst, m->slower, m->cases);
    }
    fclose(shapes);
    return 0;
}
