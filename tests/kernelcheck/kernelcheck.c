/* kernelcheck.c: every kernel of every data type on every instruction set: bounds of buffers, error against the
 * reference, equal bits.
 *
 * Each buffer ends at a page without access, so that touching one element too many is a crash; since sizes vary, so
 * do alignments. Output elements that are not the kernel's keep a canary. The worst error is printed beside its
 * bound, in units of the bound.
 */
#include "kernelcheck/kernelcheck.h"

#include "base/random.h"
#include "cpu/dispatch.h"
#include "support/activation_ref.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const kernel_case *const cases[] = {
#define EK_KERNEL(name, parameters) &case_##name,
#include "kernel/kernels.def"
#undef EK_KERNEL
};
enum { CASES = sizeof cases / sizeof cases[0], PATTERNS = 7, AROUND = 256 };

const float CANARY = 12345.678f;

static float *last_floats(guarded g, size_t count) { return guarded_last(g, count * sizeof(float)); }
static double *last_doubles(guarded g, size_t count) { return guarded_last(g, count * sizeof(double)); }

enum {
    X,
    DY,
    Y,
    RESIDUAL,
    OUTPUT,
    DRESIDUAL,
    INNER,
    AFFINE,
    SCALE,
    BIAS,
    MEAN,
    RSTD,
    SUMS,
    VALID,
    COLUMN0,
    CHANNEL0 = COLUMN0 + 6,
    BUFFERS = CHANNEL0 + 6
};
static guarded buffers[BUFFERS];
static uint64_t seed = 1;
int runs_here[8];

static const char *const pattern_names[PATTERNS] = {"ordinary", "mean 1e6", "denormal", "signed zero",
                                                    "1e30",     "NaN",      "infinity"};

/* Mean 0, deviation 1, bounded; cheaper than a normal number. */
static double noise(eki_random r, uint64_t i) { return 3.4641016151377544 * (eki_random_uniform(r, i) - 0.5); }

static float pattern_value(int pattern, eki_random r, uint64_t i) {
    double z = noise(r, i);
    switch (pattern) {
    case 1: return (float)(1e6 + z);
    case 2: return (float)(z * 1e-41);
    case 3: return i % 3 == 0 ? -0.0f : i % 3 == 1 ? 0.0f : (float)z;
    case 4: return (float)(z * 1e30);
    default: return (float)z;
    }
}

static double pattern_rstd(int pattern) { return pattern == 2 ? 316.0 : pattern == 4 ? 1e-30 : 1.3; }

size_t span_of(const problem *p) { return p->rows > 0 ? (p->rows - 1) * p->stride + p->n : 0; }

static void fill_data(problem *p, int pattern, eki_random r) {
    size_t span = span_of(p);
    float *x = last_floats(buffers[X], span), *dy = last_floats(buffers[DY], span);
    for (size_t i = 0; i < span; i++) {
        x[i] = pattern_value(pattern, r, i);
        dy[i] = pattern_value(pattern == 3 ? 3 : 0, r, 7000000 + i);
    }
    size_t victim = p->n > 0 && p->rows > 0 ? p->rows / 2 * p->stride + p->n * 2 / 3 : 0;
    if (span > 0 && pattern == 5) x[victim] = NAN;
    if (span > 0 && pattern == 6) x[victim] = -INFINITY;
    p->x = p->xs = x;
    p->dy = p->dys = dy;
    p->y = last_floats(buffers[Y], span);
}

/* Of rows, as those of columns. */
static void fill_channels(problem *p, eki_random r) {
    float *channel[6];
    for (int c = 0; c < 6; c++) p->channel[c] = channel[c] = last_floats(buffers[CHANNEL0 + c], p->rows);
    for (size_t i = 0; i < p->rows; i++) {
        channel[0][i] = (float)p->mean[i];
        channel[1][i] = (float)(p->mean[i] - (double)channel[0][i]);
        channel[2][i] = (float)p->rstd[i];
        for (int c = 3; c < 6; c++) channel[c][i] = (float)noise(r, 9900000 + 10 * i + (uint64_t)c);
    }
}

static void fill_parameters(problem *p, int pattern, eki_random r, int absent) {
    size_t n = p->n, longest = n > p->rows ? n : p->rows;
    double *mean = last_doubles(buffers[MEAN], longest + 1), *rstd = last_doubles(buffers[RSTD], longest + 1);
    float *column[6];
    for (int c = 0; c < 6; c++) p->column[c] = column[c] = last_floats(buffers[COLUMN0 + c], n);
    float *scale = last_floats(buffers[SCALE], n), *bias = last_floats(buffers[BIAS], n);
    for (size_t i = 0; i <= longest; i++) {
        mean[i] = (double)pattern_value(pattern, r, 9000000 + i) + 1e-9;
        rstd[i] = pattern_rstd(pattern) * (1 + eki_random_uniform(r, 9500000 + i));
    }
    for (size_t i = 0; i < n; i++) {
        scale[i] = (float)noise(r, 9600000 + i);
        bias[i] = (float)noise(r, 9700000 + i);
        column[0][i] = (float)mean[i];
        column[1][i] = (float)(mean[i] - (double)column[0][i]);
        column[2][i] = (float)rstd[i];
        for (int c = 3; c < 6; c++) column[c][i] = (float)noise(r, 9800000 + 10 * i + (uint64_t)c);
    }
    float hi = (float)mean[0], lo = (float)(mean[0] - (double)hi);
    p->mean = mean;
    p->rstd = rstd;
    fill_channels(p, r);
    p->scale = absent & 1 ? NULL : scale;
    p->bias = absent & 2 ? NULL : bias;
    p->affine = (eki_scaling){hi, lo, (float)rstd[0], 0.7f};
    p->gradient = (eki_gradient){hi, lo, (float)rstd[0], 1.1f, 0.3f, -0.4f};
    p->sums = last_doubles(buffers[SUMS], 2 * n > 2 ? 2 * n : 2);
}

/* Some hidden, long runs of both, or hidden at random. */
static void fill_mask(problem *p, eki_random r) {
    size_t n = p->rows * p->n;
    unsigned char *valid = guarded_last(buffers[VALID], n);
    for (size_t i = 0; i < n; i++) {
        int run = eki_random_uniform(r, 6000000 + i / 40) < 0.6;
        valid[i] = p->rows % 2 ? (unsigned char)run : eki_random_uniform(r, 6500000 + i) < 0.7;
    }
    p->valid = valid;
}

enum { FUSIONS = 12 };

/* 0 = nothing; 1 to 9 = an activation; 10 = residual alone; 11 = ReLU with residual and its gradient. */
static void fill_fusion(problem *p, eki_epilogue *e, int fusion, eki_random r) {
    size_t span = span_of(p), rows = p->rows > 0 ? p->rows : 1;
    float *residual = last_floats(buffers[RESIDUAL], span), *outputs = last_floats(buffers[OUTPUT], span);
    double *inner = last_doubles(buffers[INNER], span);
    eki_scaling *affine = (eki_scaling *)(void *)last_floats(buffers[AFFINE], rows * sizeof *affine / sizeof(float));
    p->fused = NULL;
    if (fusion == 0) return;
    int activation = fusion == 10 ? EKI_NO_ACTIVATION : fusion == 11 ? EKI_RELU : fusion;
    int reads_output = activation <= EKI_TANH || activation == EKI_HARD_SIGMOID;
    *e = (eki_epilogue){.activation = activation, .alpha = 0.25f, .beta = 0.5f, .x = p->x, .affine = affine};
    if (fusion > 9 || fusion % 2) e->residual = residual;
    if (reads_output) e->y = outputs;
    if (fusion > 9) e->dresidual = last_floats(buffers[DRESIDUAL], span);
    for (size_t i = 0; i < span; i++) {
        residual[i] = (float)noise(r, 5000000 + i);
        inner[i] = (double)(float)(2 * noise(r, 5500000 + i));
        outputs[i] = (float)eki_ref_activation(activation, (long double)inner[i], 0.25, 0.5);
    }
    for (size_t i = 0; i < rows; i++) {
        float hi = (float)p->mean[i];
        affine[i] = (eki_scaling){hi, (float)(p->mean[i] - (double)hi), (float)p->rstd[i], 0.0f};
    }
    p->inner = inner;
    p->fused = e;
}

static int of_elements(const kernel_case *c) { return c->output == ELEMENTS || c->output == FLOATS; }

static size_t output_count(const kernel_case *c, const problem *p) {
    switch (c->output) {
    case TWO_SUMS: return 2;
    case COLUMN_SUMS: return 2 * p->n;
    case ROW_AND_COLUMN_SUMS: return 2 * p->rows + 2 * p->n;
    case ROW_STATISTICS: return 3 * p->rows;
    default: return p->rows * p->n;
    }
}

size_t outputs_window(const problem *p) {
    size_t window = span_of(p) + 2 * p->n + 3 * p->rows + AROUND;
    return window < MOST ? window : MOST;
}

void outputs_clear(const kernel_case *c, const problem *p) {
    size_t window = outputs_window(p);
    float *all = last_floats(buffers[Y], window), *gradients = last_floats(buffers[DRESIDUAL], window);
    double *sums = last_doubles(buffers[SUMS], window);
    for (size_t i = 0; i < window; i++) all[i] = gradients[i] = CANARY;
    for (size_t i = 0; i < window; i++) sums[i] = i + 2 * p->n >= window ? 0.5 : (double)CANARY;
    if (c->output == TWO_SUMS) sums[window - 1] = sums[window - 2] = 0;
}

const float *outputs_elements(const problem *p) { return last_floats(buffers[Y], outputs_window(p)); }
const float *outputs_gradients(const problem *p) { return last_floats(buffers[DRESIDUAL], outputs_window(p)); }
const double *outputs_sums(const problem *p) { return last_doubles(buffers[SUMS], outputs_window(p)); }

/* Runs the kernel between canaries; results as doubles, in order. Returns 0 when a canary died. */
static int run_guarded(const kernel_case *c, const eki_kernels *kernels, const problem *p, double *result) {
    const float *all = outputs_elements(p);
    outputs_clear(c, p);
    c->run(kernels, p);
    size_t count = output_count(c, p), span = span_of(p), window = outputs_window(p);
    int alive = 1;
    if (!of_elements(c)) {
        memcpy(result, p->sums, count * sizeof(double));
        for (const double *s = outputs_sums(p); s < p->sums; s++) alive = alive && (*s == (double)CANARY || *s == 0.5);
        for (size_t i = 0; i < window; i++) alive = alive && all[i] == CANARY;
        return alive;
    }
    for (size_t i = 0; i < window; i++) {
        size_t at = i - (window - span); /* position in y, when not before it */
        int owned = i >= window - span && at % p->stride < p->n;
        if (owned) result[at / p->stride * p->n + at % p->stride] = (double)all[i];
        if (!owned && all[i] != CANARY) alive = 0;
    }
    return alive;
}

static int same(const double *a, const double *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (isnan(a[i]) && isnan(b[i])) continue;
        if (memcmp(a + i, b + i, sizeof *a) != 0) return 0;
    }
    return 1;
}

/* Terms of a sum, at most. */
static double terms_of(const kernel_case *c, const problem *p) {
    switch (c->output) {
    case TWO_SUMS: return (double)(p->rows * p->n);
    case COLUMN_SUMS: return (double)p->rows;
    case ROW_AND_COLUMN_SUMS: return (double)(p->rows + p->n);
    case ROW_STATISTICS: return (double)p->n;
    default: return 0;
    }
}

/* Worst error in units of the bound; infinite where one is NaN and the other is not. */
static double worst_of(const kernel_case *c, const problem *p, const double *result) {
    double worst = 0;
    for (size_t i = 0; i < output_count(c, p); i++) {
        size_t row = of_elements(c) ? i / p->n : 0, at = of_elements(c) ? i % p->n : i;
        expected e = c->reference(p, row, at);
        if (!isfinite((double)e.value)) {
            if (isfinite(result[i])) return (double)INFINITY;
            continue;
        }
        double terms = terms_of(c, p);
        long double unit = of_elements(c) ? 0x1p-24L : 0x1p-53L;
        long double least = of_elements(c) ? 0x1p-148L * fabsl((long double)p->gradient.rstd + 4) : 0x1p-1070L;
        long double bound = (c->roundings + terms) * unit * e.magnitude + least;
        double error = (double)(fabsl((long double)result[i] - e.value) / bound);
        if (!(error <= worst)) worst = error;
    }
    return worst;
}

static double *generic_result, *isa_result;

static int complain(const kernel_case *c, const char *isa, const problem *p, int pattern, const char *wrong,
                    double error) {
    printf("FAIL %s on %s %s: n %zu rows %zu stride %zu, %s, activation %d (error %g of the bound); --kernel %s "
           "--seed %llu\n",
           c->name, isa, wrong, p->n, p->rows, p->stride, pattern_names[pattern], p->fused ? p->fused->activation : 0,
           error, c->name, (unsigned long long)seed);
    return -1;
}

/* Returns the worst error in units of the bound, or -1 after a message. */
static double check_problem(const kernel_case *c, const problem *p, int pattern) {
    double worst = 0;
    for (size_t i = 0; eki_kernels_at(i, EKI_F32) != NULL; i++) {
        if (!runs_here[i]) continue;
        const eki_kernels *kernels = eki_kernels_at(i, EKI_F32);
        double *result = i == 0 ? generic_result : isa_result;
        const char *wrong = NULL;
        if (!run_guarded(c, kernels, p, result)) wrong = "wrote outside its output";
        if (i > 0 && !same(generic_result, isa_result, output_count(c, p))) wrong = "differs from generic in bits";
        double error = i == 0 ? worst_of(c, p, result) : 0;
        if (!(error <= 1)) wrong = "is outside its bound";
        if (error > worst) worst = error;
        if (wrong != NULL) return complain(c, kernels->isa, p, pattern, wrong, error);
    }
    return worst;
}

static double check_size(const kernel_case *c, size_t n, size_t rows, size_t gap) {
    double worst = 0;
    for (int pattern = 0; pattern < PATTERNS; pattern++) {
        problem p = {.n = n, .rows = rows, .stride = n + gap};
        if (p.stride == 0) p.stride = 1;
        eki_random r = eki_random_stream(seed, c->name, n * 1000 + rows, (uint64_t)pattern);
        fill_data(&p, pattern, r);
        fill_mask(&p, r);
        fill_parameters(&p, pattern, r, (int)(n + gap + (size_t)pattern) % 4);
        int of_rows = c->output == ROW_AND_COLUMN_SUMS || c->output == ROW_STATISTICS;
        if (of_rows) p.sums = last_doubles(buffers[SUMS], output_count(c, &p));
        const int kinds[2] = {0, 1 + (int)((n + 5 * rows + 3 * gap + 4 * (size_t)pattern) % (FUSIONS - 1))};
        int fusable = (strstr(c->name, "_stream") == NULL && strchr(c->name, '_') != NULL &&
                       strcmp(c->name, "row_hide") != 0 && !of_rows) ||
                      strcmp(c->name, "row_affine_stream") == 0 || strcmp(c->name, "col_affine_stream") == 0;
        for (int k = 0; k < 1 + fusable; k++) {
            eki_epilogue e;
            fill_fusion(&p, &e, kinds[k], r);
            double error = check_problem(c, &p, pattern);
            if (error < 0) return -1;
            if (error > worst) worst = error;
            const char *isa = "";
            size_t turn = (n + rows + gap + (size_t)pattern + (size_t)k) % (EKI_DATA_TYPES - 1);
            eki_data data = (eki_data)(EKI_DATA_TYPES - 1 - turn); /* of those after f32 */
            const char *wrong = halves_check(c, &p, data, &isa);
            if (wrong != NULL) return complain(c, isa, &p, pattern, wrong, 0);
        }
    }
    return worst;
}

static double check_kernel(const kernel_case *c) {
    const size_t row_counts[] = {1, 2, 5, 70, 0}, large[] = {127, 128, 500, 1000};
    double worst = 0;
    size_t step = getenv("EK_TEST_SHORT") != NULL ? 5 : 1; /* under an emulator */
    for (size_t k = 0; k < 68 + 4; k += k < 65 ? step : 1) {
        size_t n = k < 68 ? k : large[k - 68];
        for (int r = 0; r < (c->one_row ? 1 : 5); r++) {
            size_t rows = k < 68 ? row_counts[r] : row_counts[r % 3];
            double error = check_size(c, n, rows, (k + (size_t)r) % 3 == 2 ? 3 : 0);
            if (error < 0) return -1;
            if (error > worst) worst = error;
        }
    }
    return worst;
}

static void prepare(void) {
    for (int i = 0; i < BUFFERS; i++) buffers[i] = guarded_make(MOST * sizeof(double));
    halves_prepare();
    generic_result = malloc(MOST * sizeof(double));
    isa_result = malloc(MOST * sizeof(double));
    printf("instruction sets:");
    for (size_t i = 0; eki_kernels_at(i, EKI_F32) != NULL; i++) {
        runs_here[i] = eki_kernels_supported(i);
        printf(" %s%s", eki_kernels_at(i, EKI_F32)->isa, runs_here[i] ? "" : " (not on this processor)");
    }
    printf("\n");
}

int main(int argc, char **argv) {
    const char *only = NULL;
    int failed = 0, list = 0, bench = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) list = 1;
        if (strcmp(argv[i], "--bench") == 0) bench = 1;
        if (strcmp(argv[i], "--kernel") == 0 && i + 1 < argc) only = argv[++i];
        if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) seed = strtoull(argv[++i], NULL, 10);
    }
    prepare();
    for (int i = 0; i < CASES; i++) {
        if (only != NULL && strcmp(only, cases[i]->name) != 0) continue;
        if (bench) kernel_bench(cases[i]);
        if (bench) continue;
        double worst = list ? 0 : check_kernel(cases[i]);
        failed += worst < 0;
        const char *unit = of_elements(cases[i]) ? "2^-24" : "2^-53, and one per term";
        if (worst >= 0)
            printf("%-20s worst error %.2f of the bound (%g x %s)\n", cases[i]->name, worst, cases[i]->roundings, unit);
    }
    for (int i = 0; i < BUFFERS; i++) guarded_free(buffers[i]);
    halves_release();
    free(generic_result);
    free(isa_result);
    return failed ? 1 : 0;
}
