/* normalize.c: layer normalization of the rows of a matrix, in five lines.
 *
 * A descriptor says what to normalize; a plan is made of it once and executed as often as needed. */
#include <evenkeel/norm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 4, WIDTH = 10 };

static ek_status normalize(const float *x, float *y, ek_error *err) {
    ek_norm_plan *plan;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_LAYER);                 /* 1: the kind, over the last axis */
    desc.rank = 2, desc.dims[0] = ROWS, desc.dims[1] = WIDTH;                /* 2: the shape */
    ek_norm_args args = {.struct_size = sizeof args, .x = x, .y = y};        /* 3: no scale, no bias: ones and zeros */
    if (ek_norm_plan_create(&desc, &plan, err) != EK_OK) return err->status; /* 4: everything is checked here */
    args.workspace = aligned_alloc(64, ek_norm_workspace_bytes(plan));
    ek_status status = ek_norm_forward(plan, EK_STATS_BATCH, &args, err); /* 5: never allocates, never prints */
    free(args.workspace);
    ek_norm_plan_destroy(plan);
    return status;
}

int main(void) {
    float x[ROWS * WIDTH], y[ROWS * WIDTH];
    for (int i = 0; i < ROWS * WIDTH; i++) x[i] = (float)(i * i % 17);
    ek_error err;
    if (normalize(x, y, &err) != EK_OK) {
        fprintf(stderr, "%s: %s\n", ek_status_name(err.status), err.text);
        return 1;
    }
    for (int r = 0; r < ROWS; r++) { /* every row has mean 0 and deviation 1 now */
        double sum = 0, squares = 0;
        for (int i = 0; i < WIDTH; i++) {
            double value = y[r * WIDTH + i];
            sum += value;
            squares += value * value;
        }
        printf("row %d: mean %.6f, deviation %.6f\n", r, fabs(sum / WIDTH), sqrt(squares / WIDTH));
        if (fabs(sum) > 1e-5 || fabs(squares / WIDTH - 1) > 1e-4) return 1;
    }
    return 0;
}
