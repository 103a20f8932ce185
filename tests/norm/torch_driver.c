/* torch_driver.c: training steps of a batch norm with the TORCH preset, data on stdin, results on stdout, for
 * torch_compare.py. In: int64 N, C, H, W, steps, cumulative, then per step x, dy; before them scale, bias. Out: per
 * step y, dx, dscale, dbias, running mean and variance; at the end y of x with the running statistics. All f32. */
#include <evenkeel/norm.h>

#include <stdio.h>
#include <stdlib.h>

static float *floats(size_t n) {
    float *p = aligned_alloc(64, (n * sizeof(float) + 64) / 64 * 64);
    if (p == NULL) exit(2);
    return p;
}

static void take(float *p, size_t n) {
    if (fread(p, sizeof *p, n, stdin) != n) exit(2);
}

static void give(const float *p, size_t n) {
    if (fwrite(p, sizeof *p, n, stdout) != n) exit(2);
}

static void require(ek_status status, const ek_error *err) {
    if (status == EK_OK) return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

typedef struct {
    ek_norm_plan *plan;
    ek_norm_args args;
    size_t elements, channels;
    float *x, *y, *dy, *dx, *scale, *bias, *dscale, *dbias, *mean, *var;
    int cumulative;
    int64_t updates;
} run;

static void step(run *r) {
    ek_error err;
    take(r->x, r->elements);
    take(r->dy, r->elements);
    require(ek_norm_forward(r->plan, EK_STATS_BATCH, &r->args, &err), &err);
    require(ek_norm_backward(r->plan, &r->args, &err), &err);
    const void *saved = r->args.saved;
    require(r->cumulative ? ek_norm_update_cumulative(r->plan, saved, r->mean, r->var, &r->updates, NULL, &err)
                          : ek_norm_update_running(r->plan, saved, r->mean, r->var, NULL, &err),
            &err);
    give(r->y, r->elements);
    give(r->dx, r->elements);
    float *parameters[] = {r->dscale, r->dbias, r->mean, r->var};
    for (int i = 0; i < 4; i++) give(parameters[i], r->channels);
}

static void set_up(run *r, const int64_t head[6]) {
    ek_norm_desc desc = ek_norm_desc_preset(EK_NORM_BATCH, EK_PRESET_TORCH);
    ek_error err;
    desc.rank = 4;
    for (int i = 0; i < 4; i++) desc.dims[i] = head[i];
    r->cumulative = (int)head[5];
    if (r->cumulative) desc.momentum_convention = EK_MOMENTUM_CUMULATIVE;
    require(ek_norm_plan_create(&desc, &r->plan, &err), &err);
    r->elements = (size_t)(head[0] * head[1] * head[2] * head[3]);
    r->channels = (size_t)head[1];
    float **big[] = {&r->x, &r->y, &r->dy, &r->dx};
    float **small[] = {&r->scale, &r->bias, &r->dscale, &r->dbias, &r->mean, &r->var};
    for (int i = 0; i < 4; i++) *big[i] = floats(r->elements);
    for (int i = 0; i < 6; i++) *small[i] = floats(r->channels);
    r->args = (ek_norm_args){.struct_size = sizeof r->args, .x = r->x, .y = r->y, .scale = r->scale, .bias = r->bias};
    r->args.running_mean = r->mean;
    r->args.running_var = r->var;
    r->args.saved = floats(ek_norm_saved_bytes(r->plan) / sizeof(float));
    r->args.workspace = floats(ek_norm_workspace_bytes(r->plan) / sizeof(float));
    r->args.dy = r->dy;
    r->args.dx = r->dx;
    r->args.dscale = r->dscale;
    r->args.dbias = r->dbias;
}

static void tear_down(run *r) {
    float *all[] = {r->x, r->y, r->dy, r->dx, r->scale, r->bias, r->dscale, r->dbias, r->mean, r->var};
    for (int i = 0; i < 10; i++) free(all[i]);
    free(r->args.saved);
    free(r->args.workspace);
    ek_norm_plan_destroy(r->plan);
}

int main(void) {
    int64_t head[6];
    run r = {0};
    ek_error err;
    if (fread(head, sizeof head, 1, stdin) != 1) return 2;
    set_up(&r, head);
    take(r.scale, r.channels);
    take(r.bias, r.channels);
    for (size_t c = 0; c < r.channels; c++) {
        r.mean[c] = 0;
        r.var[c] = 1;
    }
    for (int64_t i = 0; i < head[4]; i++) step(&r);
    require(ek_norm_forward(r.plan, EK_STATS_RUNNING, &r.args, &err), &err);
    give(r.y, r.elements);
    tear_down(&r);
    return fflush(stdout) == 0 ? 0 : 2;
}
