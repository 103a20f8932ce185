/* example.h: what the examples in the comments of the headers take as given: buffers, a plan, arguments. Each NAME-K.c
 * includes NAME-K.inc, the K-th example of include/evenkeel/NAME.h as it stands there, and ends with 0 where it works.
 */
#ifndef EK_TEST_EXAMPLE_H
#define EK_TEST_EXAMPLE_H

#include <evenkeel/norm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNUSED __attribute__((unused))

enum { N = 16, C = 64, SPACE = 56 * 56, SIZE = N * C * SPACE };

static float x[2][SIZE] UNUSED, y[SIZE] UNUSED, dy[SIZE] UNUSED, dx[SIZE] UNUSED;
static float scale[C] UNUSED, bias[C] UNUSED, dscale[C] UNUSED, dbias[C] UNUSED;
static float running_mean[C] UNUSED, running_var[C] UNUSED;
static ek_error err;

/* A plan over x[0], and arguments with everything in them. */
UNUSED static ek_norm_plan *ready(ek_norm_args *args) {
    ek_norm_plan *plan;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 3, desc.dims[0] = N, desc.dims[1] = C, desc.dims[2] = SPACE, desc.chunk = 4;
    if (ek_norm_plan_create(&desc, &plan, &err) != EK_OK) return NULL;
    for (int c = 0; c < C; c++) scale[c] = running_var[c] = 1;
    for (int i = 0; i < SIZE; i++) x[0][i] = (float)(i % 7), x[1][i] = (float)(i % 5), dy[i] = (float)(i % 3);
    *args = (ek_norm_args){.struct_size = sizeof *args,
                           .x = x,
                           .y = y,
                           .scale = scale,
                           .bias = bias,
                           .dy = dy,
                           .dx = dx,
                           .dscale = dscale,
                           .dbias = dbias};
    args->saved = malloc(ek_norm_saved_bytes(plan));
    args->workspace = aligned_alloc(64, ek_norm_workspace_bytes(plan));
    return plan;
}

UNUSED static int judged(ek_status status) {
    if (status != EK_OK) puts(err.text);
    return status != EK_OK;
}

#endif
