/* fused_residual.c: the end of a residual block, y = relu(batch norm(x) + shortcut), in one pass over memory, forward
 * and backward, beside the same in three passes: the same bits. */
#include <evenkeel/norm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 4, C = 5, H = 6, W = 7, SIZE = N * C * H * W };

static float x[SIZE], shortcut[SIZE], dy[SIZE], scale[C] = {1, 2, 3, 2, 1}, bias[C] = {0, 1, 0, -1, 0};
static float y[SIZE], dx[SIZE], dshortcut[SIZE], t[SIZE], g[SIZE], plain_dx[SIZE];

static ek_norm_plan *plan_of(int fused) {
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 4, desc.dims[0] = N, desc.dims[1] = C, desc.dims[2] = H, desc.dims[3] = W;
    if (fused) desc.residual = 1, desc.activation = EK_ACTIVATION_RELU;
    ek_norm_plan *plan;
    return ek_norm_plan_create(&desc, &plan, NULL) == EK_OK ? plan : NULL;
}

/* Forward and backward of a plan. */
static int run(const ek_norm_plan *plan, ek_norm_args *args, void (*between)(void)) {
    ek_error err;
    args->saved = malloc(ek_norm_saved_bytes(plan));
    args->workspace = aligned_alloc(64, ek_norm_workspace_bytes(plan));
    int fine = ek_norm_forward(plan, EK_STATS_BATCH, args, &err) == EK_OK;
    if (fine && between != NULL) between();
    fine = fine && ek_norm_backward(plan, args, &err) == EK_OK;
    if (!fine) fputs(err.text, stderr);
    free(args->saved), free(args->workspace);
    return fine;
}

/* What the fused call does besides: add, clip, and in backward the slope of the ReLU. */
static void add_and_clip(void) {
    for (int i = 0; i < SIZE; i++) {
        t[i] += shortcut[i];
        t[i] = t[i] > 0 ? t[i] : 0;
        g[i] = t[i] > 0 ? dy[i] : 0;
    }
}

int main(void) {
    for (int i = 0; i < SIZE; i++) {
        x[i] = (float)((i * 37 + 11) % 101) / 10;
        shortcut[i] = (float)((i * 29 + 3) % 43) / 10 - 2;
        dy[i] = (float)((i * 53) % 17) - 8;
    }
    ek_norm_plan *fused = plan_of(1), *plain = plan_of(0);
    /* ReLU reads its slope from y in backward; dresidual is the gradient of the shortcut. */
    ek_norm_args one = {.struct_size = sizeof one, .x = x, .y = y, .scale = scale, .bias = bias, .dy = dy, .dx = dx};
    one.residual = shortcut, one.dresidual = dshortcut;
    ek_norm_args three = {.struct_size = sizeof three, .x = x, .y = t, .scale = scale, .bias = bias};
    three.dy = g, three.dx = plain_dx;
    int fine = run(fused, &one, NULL) && run(plain, &three, add_and_clip);
    int same =
        memcmp(y, t, sizeof y) == 0 && memcmp(dx, plain_dx, sizeof dx) == 0 && memcmp(dshortcut, g, sizeof g) == 0;
    printf("one pass and three %s the same bits\n", same ? "have" : "do NOT have");
    ek_norm_plan_destroy(fused);
    ek_norm_plan_destroy(plain);
    return fine && same ? 0 : 1;
}
