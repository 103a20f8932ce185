/* fine_tuning.c: the three switches of a batch norm, which are all that "frozen" can mean.
 *
 *     where statistics come from    the `stats` of forward: EK_STATS_BATCH or EK_STATS_RUNNING
 *     whether they are updated      ek_norm_update_running is called or not
 *     whether affine is trained     dscale and dbias are given to backward or NULL
 *
 * Backward uses the statistics that forward used, so its gradient is right in every combination. */
#include <evenkeel/norm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 16, C = 4, SIZE = N * C };

typedef struct {
    const char *name;
    ek_norm_stats stats;
    int update, affine;
} mode;

static const mode modes[] = {
    {"training", EK_STATS_BATCH, 1, 1},
    {"statistics frozen, scale and bias trained", EK_STATS_RUNNING, 0, 1},
    {"all frozen: a fixed affine map", EK_STATS_RUNNING, 0, 0},
    {"statistics follow new data, nothing trained", EK_STATS_BATCH, 1, 0},
};

static float x[SIZE], y[SIZE], dy[SIZE], dx[SIZE], scale[C], dscale[C], dbias[C], mean[C], var[C];

static int step(const ek_norm_plan *plan, const mode *m, ek_norm_args *args, ek_error *err) {
    args->dscale = m->affine ? dscale : NULL;
    args->dbias = m->affine ? dbias : NULL;
    if (ek_norm_forward(plan, m->stats, args, err) != EK_OK || ek_norm_backward(plan, args, err) != EK_OK) return 1;
    for (int c = 0; m->affine && c < C; c++) scale[c] -= 0.1f * dscale[c];
    return m->update && ek_norm_update_running(plan, args->saved, mean, var, NULL, err) != EK_OK;
}

int main(void) {
    ek_error err;
    ek_norm_plan *plan;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 2, desc.dims[0] = N, desc.dims[1] = C;
    if (ek_norm_plan_create(&desc, &plan, &err) != EK_OK) return fputs(err.text, stderr), 1;
    ek_norm_args args = {.struct_size = sizeof args,
                         .x = x,
                         .y = y,
                         .scale = scale,
                         .running_mean = mean,
                         .running_var = var,
                         .dy = dy,
                         .dx = dx};
    args.saved = malloc(ek_norm_saved_bytes(plan));
    args.workspace = aligned_alloc(64, ek_norm_workspace_bytes(plan));
    for (int i = 0; i < SIZE; i++) x[i] = (float)(i * 7 % 11), dy[i] = (float)(i * 3 % 5) - 2;

    int wrong = 0;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        for (int c = 0; c < C; c++) scale[c] = 1, mean[c] = 0, var[c] = 1;
        if (step(plan, &modes[i], &args, &err) != 0) return fputs(err.text, stderr), 1;
        int moved = mean[0] != 0, trained = scale[0] != 1;
        printf("%-44s statistics %s, scale %s\n", modes[i].name, moved ? "moved" : "kept", trained ? "moved" : "kept");
        wrong |= moved != modes[i].update || trained != modes[i].affine;
    }
    free(args.saved);
    free(args.workspace);
    ek_norm_plan_destroy(plan);
    return wrong;
}
