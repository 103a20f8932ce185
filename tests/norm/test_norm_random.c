/* test_norm_random.c: random norms over kinds, layouts, types, passes, fusions, variants and places in memory give the
 * same bits with 1 to 7 threads on every instruction set of this build, and those of every other machine: a hash of a
 * hundred cases at a time is held against random.inc.
 *
 *     test_norm_random [--cases N] [--list]       default: 100 cases
 *
 * `--list` prints the hash of each case, for scripts/bits.sh, which compares machines; `--fold` the table of
 * random.inc. Every buffer ends where memory ends (of WebAssembly, which has no pages without access: one after the
 * other does).
 */
#include "kernelcheck/guarded.h"
#include "norm/norm_stats.h"
#include "norm/random_case.h"

#include "cpu/dispatch.h"
#include <evenkeel/cpu.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 2024, FOLD = 100, THREADS = 7, ROOM = 8 << 20 };

static const uint64_t golden[] = {
#include "norm/random.inc"
};

enum {
    X,
    Y,
    DY,
    DX,
    RESIDUAL,
    DRESIDUAL,
    SCALE,
    BIAS,
    DSCALE,
    DBIAS,
    RUNNING_MEAN,
    RUNNING_VAR,
    MEAN,
    VAR,
    SAVED,
    WORKSPACE,
    MASK,
    BUFFERS
};
static guarded buffers[BUFFERS];

/* The last bytes of a buffer, another one for every case: the one made last is at the end of WebAssembly's memory. */
static void *place(uint64_t number, int role, size_t bytes, size_t behind) {
    if (bytes + behind > ROOM) {
        printf("FAIL a case of %zu bytes, more than there is room for\n", bytes + behind);
        exit(1);
    }
    return guarded_last(buffers[((uint64_t)role + number) % BUFFERS], bytes + behind);
}

static void *tensor_at(const random_case *c, uint64_t number, int role) {
    size_t bytes = random_element_bytes(c);
    return place(number, role, c->elements * bytes, (size_t)c->shift * bytes);
}

static void *reals_at(const random_case *c, uint64_t number, int role, size_t count) {
    return place(number, role, count * random_real_bytes(c), 0);
}

static void fill(const random_case *c, uint64_t number, const ek_norm_plan *plan, ek_norm_args *a) {
    size_t sets = (size_t)ek_norm_sets(plan), bytes = random_real_bytes(c);
    int batch = c->desc.kind == EK_NORM_BATCH;
    void *reals[RUNNING_VAR + 1] = {NULL}, *tensors[DRESIDUAL + 1];
    for (int role = X; role <= DRESIDUAL; role++) tensors[role] = tensor_at(c, number, role);
    for (int role = SCALE; role <= RUNNING_VAR; role++) reals[role] = reals_at(c, number, role, c->parameters);
    random_fill_tensor(c, number, "x", tensors[X]);
    random_fill_tensor(c, number, "dy", tensors[DY]);
    random_fill_tensor(c, number, "residual", tensors[RESIDUAL]);
    random_fill_reals(c, number, "scale", 0, reals[SCALE]);
    random_fill_reals(c, number, "bias", 0, reals[BIAS]);
    random_fill_reals(c, number, "running mean", 0, reals[RUNNING_MEAN]);
    random_fill_reals(c, number, "running variance", 1, reals[RUNNING_VAR]);
    *a = (ek_norm_args){.struct_size = sizeof *a, .x = tensors[X], .y = tensors[Y], .dy = tensors[DY]};
    a->dx = tensors[DX];
    a->scale = c->no_scale ? NULL : reals[SCALE];
    a->bias = c->no_bias ? NULL : reals[BIAS];
    a->dscale = reals[DSCALE];
    a->dbias = reals[DBIAS];
    if (batch) a->running_mean = reals[RUNNING_MEAN], a->running_var = reals[RUNNING_VAR];
    if (c->desc.residual) a->residual = tensors[RESIDUAL], a->dresidual = tensors[DRESIDUAL];
    a->mean = place(number, MEAN, sets * bytes, 0);
    a->var = place(number, VAR, sets * bytes, 0);
    a->saved = place(number, SAVED, ek_norm_saved_bytes(plan), 0);
    a->workspace = place(number, WORKSPACE, ek_norm_workspace_bytes(plan), 0);
    memset(a->workspace, 0xff, ek_norm_workspace_bytes(plan));
    if (!c->desc.masked) return;
    uint8_t *mask = place(number, MASK, c->masked_positions, 0);
    random_fill_mask(c, number, mask);
    a->mask = mask;
}

static void complain(const random_case *c, const char *what) {
    printf("FAIL case %s: %s\n", c->text, what);
    exit(1);
}

/* y once more from `saved`. */
static void check_again(const random_case *c, const ek_norm_plan *plan, ek_norm_args *a) {
    ek_error err;
    uint64_t first = random_hash(c, 1, a->y, c->elements, 0);
    memset(a->workspace, 0xff, ek_norm_workspace_bytes(plan));
    memset(a->y, 0xff, c->elements * random_element_bytes(c));
    if (ek_norm_forward_again(plan, a, &err) != EK_OK) complain(c, err.text);
    if (random_hash(c, 1, a->y, c->elements, 0) != first) complain(c, "other bits of a forward once more");
}

/* The results of one run. */
static uint64_t hash_of(const random_case *c, const ek_norm_plan *plan, ek_norm_args *a) {
    ek_error err;
    if (ek_norm_forward(plan, c->stats, a, &err) != EK_OK) complain(c, err.text);
    size_t sets = (size_t)ek_norm_sets(plan);
    uint64_t hash = random_hash(c, 1, a->y, c->elements, 0);
    check_again(c, plan, a);
    hash = random_hash(c, hash, a->mean, sets, 1);
    hash = random_hash(c, hash, a->var, sets, 1);
    random_case wide = *c; /* the statistics of `saved` are f64 */
    wide.desc.dtype = EK_F64;
    eki_stats kept = eki_stats_at(plan, a->saved, NULL);
    if (kept.mean != NULL) hash = random_hash(&wide, hash, kept.mean, sets, 1);
    hash = random_hash(&wide, hash, kept.var, sets, 1);
    if (!c->backward) return hash;
    memset(a->workspace, 0xff, ek_norm_workspace_bytes(plan));
    if (ek_norm_backward(plan, a, &err) != EK_OK) complain(c, err.text);
    hash = random_hash(c, hash, a->dx, c->elements, 0);
    hash = random_hash(c, hash, a->dscale, c->parameters, 1);
    hash = random_hash(c, hash, a->dbias, c->parameters, 1);
    return c->desc.residual ? random_hash(c, hash, a->dresidual, c->elements, 0) : hash;
}

static void check_edge(void) {
#if defined(__wasm__)
    guarded last = buffers[BUFFERS - 1];
    if ((size_t)(last.base + last.bytes) == __builtin_wasm_memory_size(0) * 65536) return;
    printf("FAIL memory has grown behind the buffers\n");
    exit(1);
#endif
}

/* With each instruction set and number of threads, which must agree. */
static uint64_t hash_everywhere(uint64_t number) {
    random_case c = random_case_make(SEED, number);
    uint64_t hash = 0;
    for (size_t i = 0; eki_kernels_at(i, EKI_F32) != NULL; i++) {
        if (!eki_kernels_supported(i)) continue;
        if (ek_cpu_set_isa(eki_kernels_at(i, EKI_F32)->isa, NULL) != EK_OK) complain(&c, "no such instruction set");
        for (int threads = 1; threads <= THREADS; threads++) {
            ek_error err;
            ek_norm_plan *plan;
            ek_norm_args args;
            c.desc.parallel.threads = threads;
            if (ek_norm_plan_create(&c.desc, &plan, &err) != EK_OK) complain(&c, err.text);
            if (i == 0 && threads == 1) fill(&c, number, plan, &args);
            uint64_t other = hash_of(&c, plan, &args);
            ek_norm_plan_destroy(plan);
            if (i == 0 && threads == 1) hash = other;
            if (other != hash) {
                printf("with %d threads on %s the bits differ\n", threads, ek_cpu_isa());
                complain(&c, "other bits");
            }
        }
    }
    check_edge();
    return hash;
}

int main(int argc, char **argv) {
    uint64_t cases = FOLD, fold = 0, wrong = 0;
    int list = 0, print = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) list = 1;
        if (strcmp(argv[i], "--fold") == 0) print = 1;
        if (strcmp(argv[i], "--cases") == 0 && i + 1 < argc) cases = strtoull(argv[++i], NULL, 10);
    }
    void *volatile later = malloc(4 << 20); /* what is allocated later is taken from here */
    free(later);
    for (int i = 0; i < BUFFERS; i++) buffers[i] = guarded_make(ROOM);
    for (uint64_t number = 0; number < cases; number++) {
        uint64_t hash = hash_everywhere(number);
        if (list) printf("%016llx case %s\n", (unsigned long long)hash, random_case_make(SEED, number).text);
        fold = (fold ^ hash) * UINT64_C(0x100000001b3);
        if ((number + 1) % FOLD != 0) continue;
        if (print) printf("UINT64_C(0x%016llx),\n", (unsigned long long)fold);
        uint64_t block = number / FOLD;
        if (!list && !print && block < sizeof golden / sizeof golden[0] && fold != golden[block]) wrong++;
        fold = 0;
    }
    for (int i = 0; i < BUFFERS; i++) guarded_free(buffers[i]);
    if (!list && !print)
        printf("%llu random norms, %s\n", (unsigned long long)cases, wrong ? "other bits" : "equal bits");
    return wrong > 0;
}
