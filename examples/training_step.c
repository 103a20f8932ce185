/* training_step.c: batch normalization in training: forward, backward, and the commit of the running statistics.
 *
 * The running statistics change in a call of their own, made once when the step is kept. So a forward may be repeated
 * (gradient checkpointing) or thrown away (a loss that is not finite) without a trace. */
#include <evenkeel/norm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 8, C = 3, H = 4, W = 4, SIZE = N * C * H * W };

static float x[SIZE], y[SIZE], dy[SIZE], dx[SIZE];
static float scale[C] = {1, 1, 1}, bias[C], dscale[C], dbias[C]; /* gamma, beta and their gradients */
static float running_mean[C], running_var[C] = {1, 1, 1};

/* One step of gradient descent on the mean of (y - 1)^2 / 2. Returns the loss, or a negative number. */
static double step(const ek_norm_plan *plan, ek_norm_args *args, ek_error *err) {
    double loss = 0;
    if (ek_norm_forward(plan, EK_STATS_BATCH, args, err) != EK_OK) return -1;
    for (int i = 0; i < SIZE; i++) {
        dy[i] = (y[i] - 1) / SIZE;
        loss += (y[i] - 1) * (y[i] - 1) / (2.0 * SIZE);
    }
    if (ek_norm_backward(plan, args, err) != EK_OK) return -1; /* dx, dscale, dbias are overwritten */
    for (int c = 0; c < C; c++) {
        scale[c] -= dscale[c];
        bias[c] -= dbias[c];
    }
    ek_norm_update report; /* a batch that is not finite is reported and changes nothing */
    return ek_norm_update_running(plan, args->saved, running_mean, running_var, &report, err) == EK_OK ? loss : -1;
}

int main(void) {
    ek_error err;
    ek_norm_plan *plan;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 4, desc.dims[0] = N, desc.dims[1] = C, desc.dims[2] = H, desc.dims[3] = W;
    desc.momentum = 0.9; /* running = 0.9 * running + 0.1 * batch, as ONNX and Keras mean it; PyTorch's is the other */
    if (ek_norm_plan_create(&desc, &plan, &err) != EK_OK) return fputs(err.text, stderr), 1;
    for (int i = 0; i < SIZE; i++) x[i] = (float)sin(i) + (float)(i / (H * W) % C);
    ek_norm_args args = {.struct_size = sizeof args,
                         .x = x,
                         .y = y,
                         .scale = scale,
                         .bias = bias,
                         .dy = dy,
                         .dx = dx,
                         .dscale = dscale,
                         .dbias = dbias};
    args.saved = malloc(ek_norm_saved_bytes(plan)); /* what backward needs of forward */
    args.workspace = aligned_alloc(64, ek_norm_workspace_bytes(plan));

    double first = step(plan, &args, &err), loss = first;
    for (int i = 1; i < 50 && loss >= 0; i++) loss = step(plan, &args, &err);
    if (loss < 0) fputs(err.text, stderr);
    printf("loss %.4f, after 50 steps %.6f\n", first, loss);
    printf("running mean of channel 2: %.3f\n", (double)running_mean[2]);
    free(args.saved);
    free(args.workspace);
    ek_norm_plan_destroy(plan);
    return loss >= 0 && loss < first / 100 && fabs(running_mean[2] - 2) < 0.1 ? 0 : 1;
}
