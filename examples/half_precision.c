/* half_precision.c: batch norm of bf16 tensors: half the bytes, the statistics and parameters in f32.
 *
 * A bf16 number is the upper half of a float. Elements are widened, everything is computed in f32 and f64, and each
 * result is rounded once: the f32 plan on the same values gives the same y, before that rounding. */
#include <evenkeel/norm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 8, C = 4, S = 100, ALL = N * C * S };

static float widen(uint16_t element) {
    uint32_t bits = (uint32_t)element << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static ek_status normalize(ek_dtype type, const void *x, void *y, float *mean, ek_error *err) {
    ek_norm_plan *plan;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.dtype = type;
    desc.rank = 3, desc.dims[0] = N, desc.dims[1] = C, desc.dims[2] = S;
    if (ek_norm_plan_create(&desc, &plan, err) != EK_OK) return err->status;
    ek_norm_args args = {.struct_size = sizeof args, .x = x, .y = y, .mean = mean};
    args.workspace = aligned_alloc(64, ek_norm_workspace_bytes(plan));
    ek_status status = ek_norm_forward(plan, EK_STATS_BATCH, &args, err);
    free(args.workspace);
    ek_norm_plan_destroy(plan);
    return status;
}

int main(void) {
    static uint16_t x[ALL], y[ALL];
    static float wide_x[ALL], wide_y[ALL];
    float mean[C], wide_mean[C];
    ek_error err;
    for (int i = 0; i < ALL; i++) {
        x[i] = (uint16_t)(0x3f80 + i * 37 % 256); /* from 1 to 4 */
        wide_x[i] = widen(x[i]);
    }
    if (normalize(EK_BF16, x, y, mean, &err) != EK_OK || normalize(EK_F32, wide_x, wide_y, wide_mean, &err) != EK_OK) {
        fprintf(stderr, "%s: %s\n", ek_status_name(err.status), err.text);
        return 1;
    }
    float worst = 0;
    for (int i = 0; i < ALL; i++) {
        float difference = fabsf(widen(y[i]) - wide_y[i]);
        if (difference > worst * fabsf(wide_y[i])) worst = difference / fabsf(wide_y[i]);
    }
    printf("mean of channel 0: %.7f and %.7f; y differs by %.5f of itself, half a unit is %.5f\n", (double)mean[0],
           (double)wide_mean[0], (double)worst, 1.0 / 256);
    return memcmp(mean, wide_mean, sizeof mean) == 0 && worst <= 1.0f / 256 ? 0 : 1;
}
