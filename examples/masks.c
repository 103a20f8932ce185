/* masks.c: sequences of different lengths in one padded tensor [N, C, T]. What lies behind the end of a sequence takes
 * no part in the statistics, and y and dx are exactly 0 there, whatever the padding holds. */
#include <evenkeel/norm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 3, C = 2, T = 8 };

static float x[N][C][T], y[N][C][T], dy[N][C][T], dx[N][C][T], mean[C];

int main(void) {
    const int64_t lengths[N] = {8, 3, 5};
    ek_error err;
    ek_norm_plan *plan;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 3, desc.dims[0] = N, desc.dims[1] = C, desc.dims[2] = T;
    desc.masked = 1;
    if (ek_norm_plan_create(&desc, &plan, &err) != EK_OK) return fputs(err.text, stderr), 1;
    double sum = 0;
    for (int n = 0; n < N; n++) {
        for (int c = 0; c < C; c++) {
            for (int t = 0; t < T; t++) {
                x[n][c][t] = t < lengths[n] ? (float)(n + t * (c + 1)) : NAN; /* padding: anything */
                dy[n][c][t] = (float)((n + t) % 3);
                if (c == 0 && t < lengths[n]) sum += (double)x[n][c][t];
            }
        }
    }
    ek_norm_args args = {.struct_size = sizeof args, .x = x, .y = y, .dy = dy, .dx = dx, .mean = mean};
    args.lengths = lengths; /* or args.mask, one byte per position; or both */
    args.saved = malloc(ek_norm_saved_bytes(plan));
    args.workspace = aligned_alloc(64, ek_norm_workspace_bytes(plan));
    ek_status status = ek_norm_forward(plan, EK_STATS_BATCH, &args, &err);
    if (status == EK_OK) status = ek_norm_backward(plan, &args, &err);
    if (status != EK_OK) fputs(err.text, stderr);
    int fine = status == EK_OK && fabs((double)mean[0] - sum / (8 + 3 + 5)) < 1e-6;
    for (int n = 0; n < N; n++) {
        for (int64_t t = lengths[n]; t < T; t++) fine = fine && y[n][1][t] == 0 && dx[n][1][t] == 0;
    }
    printf("mean of the 16 values that are there: %.4f\n", (double)mean[0]);
    free(args.saved), free(args.workspace);
    ek_norm_plan_destroy(plan);
    return fine ? 0 : 1;
}
