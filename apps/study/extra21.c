/* extra21.c: one batch cut over ranks in many ways gives the bits of the whole, forward and backward. */
#include "study/seam.h"

#include <evenkeel/parts.h>

#include <stdlib.h>
#include <string.h>

enum { N = 48, C = 5, SPACE = 7, EXAMPLE = C * SPACE, COUNT = N * EXAMPLE, CHUNK = 1 };
enum { CUTS_DIFFER, PLAIN_SUMS_DIFFER, ENDPOINTS };

typedef struct ranks {
    float x[COUNT], dy[COUNT], y[COUNT], dx[COUNT], whole_y[COUNT], whole_dx[COUNT];
    float scale[C], bias[C], dscale[C], dbias[C], whole_dscale[C], whole_dbias[C];
} ranks;

static void *room(size_t bytes) { return aligned_alloc(64, (bytes + 63) / 64 * 64 + 64); }

/* First example of a rank: shares differ by up to two thirds when `uneven`. */
static int64_t first_of(int rank, int count, int uneven) {
    int64_t even = (int64_t)N * rank / count;
    return uneven && rank > 0 && rank < count ? even - even % 3 : even;
}

static ek_status exchange(const ek_norm_plan *plan, ranks *r, int count, int uneven, void *parts, ek_norm_args *args,
                          ek_error *err) {
    EKS_TRY(ek_norm_parts_begin(plan, parts, err));
    for (int pass = 0; pass < 4; pass++)
        for (int i = 0; i <= count; i++) {
            int rank = i < count ? i : count;
            int64_t first = first_of(rank, count, uneven), size = first_of(rank + 1, count, uneven) - first;
            args->x = r->x + first * EXAMPLE;
            args->y = r->y + first * EXAMPLE;
            args->dy = r->dy + first * EXAMPLE;
            args->dx = r->dx + first * EXAMPLE;
            if (i == count) {
                if (pass == 0) EKS_TRY(ek_norm_parts_finish(plan, parts, args, err));
                if (pass == 2) EKS_TRY(ek_norm_parts_finish_gradients(plan, parts, args, err));
                continue;
            }
            if (size == 0) continue;
            if (pass == 0) EKS_TRY(ek_norm_parts_add(plan, parts, first, size, args, err));
            if (pass == 1) EKS_TRY(ek_norm_parts_forward(plan, parts, size, args, err));
            if (pass == 2) EKS_TRY(ek_norm_parts_add_gradients(plan, parts, first, size, args, err));
            if (pass == 3) EKS_TRY(ek_norm_parts_backward(plan, parts, size, args, err));
        }
    return EK_OK;
}

static ek_status cut(const ek_norm_plan *plan, ranks *r, int count, int uneven, double *differing, ek_error *err) {
    ek_norm_args args = {.struct_size = sizeof args, .scale = r->scale, .bias = r->bias};
    void *parts = room(ek_norm_parts_bytes(plan));
    args.saved = room(ek_norm_saved_bytes(plan));
    args.workspace = room(ek_norm_workspace_bytes(plan));
    args.dscale = r->dscale;
    args.dbias = r->dbias;
    ek_status status =
        parts && args.saved && args.workspace ? exchange(plan, r, count, uneven, parts, &args, err) : EK_ERR_NOMEM;
    if (status == EK_OK)
        *differing =
            (double)(eks_differing(r->y, r->whole_y, COUNT) + eks_differing(r->dx, r->whole_dx, COUNT) +
                     eks_differing(r->dscale, r->whole_dscale, C) + eks_differing(r->dbias, r->whole_dbias, C));
    free(args.workspace);
    free(args.saved);
    free(parts);
    return status;
}

static ek_status all_cuts(eks_study *study, ranks *r, eks_evidence *evidence, ek_error *err) {
    static const char *const columns[] = {"ranks", "equal shares", "unequal shares"};
    static const int counts[] = {1, 2, 3, 4, 5, 8, 16, 48};
    const int64_t dims[] = {N, C, SPACE};
    ek_norm_plan *plan = NULL;
    eks_norm whole = eks_norm_call(EK_NORM_BATCH, 3, dims, r->x, r->whole_y);
    whole.desc.chunk = CHUNK;
    whole.scale = r->scale;
    whole.bias = r->bias;
    whole.dy = r->dy;
    whole.dx = r->whole_dx;
    whole.dscale = r->whole_dscale;
    whole.dbias = r->whole_dbias;
    if (study->sabotaged) whole.desc.ghost = N / 2;
    EKS_TRY(eks_normalize(&whole, err));
    whole.desc.ghost = 0;
    EKS_TRY(ek_norm_plan_create(&whole.desc, &plan, err));
    eks_table_begin(&evidence->table, "Values that differ from one batch in one process", 3, columns);
    ek_status status = EK_OK;
    evidence->values[CUTS_DIFFER] = 0;
    for (int i = 0; i < 8 && status == EK_OK; i++) {
        int row = eks_table_row(&evidence->table);
        eks_cell_number(&evidence->table, row, 0, counts[i]);
        for (int uneven = 0; uneven < 2 && status == EK_OK; uneven++) {
            double differing = 0;
            status = cut(plan, r, counts[i], uneven, &differing, err);
            eks_cell_number(&evidence->table, row, 1 + uneven, differing);
            evidence->values[CUTS_DIFFER] += differing;
        }
    }
    ek_norm_plan_destroy(plan);
    return status;
}

/* Control: of 64 sums, how many change a bit when single precision adds the same values over 1 rank or over 7. */
static double plain_sums(uint64_t seed) {
    enum { SUMS = 64, VALUES = 1680, RANKS = 7 };
    float x[VALUES];
    double differing = 0;
    for (uint64_t k = 0; k < SUMS; k++) {
        float whole = 0, parts = 0;
        eks_fill_normal(x, VALUES, seed, 2200 + k, 5, 2);
        for (int i = 0; i < VALUES; i++) whole += x[i];
        for (int rank = 0; rank < RANKS; rank++) {
            float part = 0;
            for (int i = VALUES / RANKS * rank; i < VALUES / RANKS * (rank + 1); i++) part += x[i];
            parts += part;
        }
        differing += (double)eks_differing(&whole, &parts, 1);
    }
    return differing;
}

static ek_status forms(eks_study *study, eks_evidence *evidence, ek_error *err) {
    ranks *r = calloc(1, sizeof *r);
    if (!r) return eks_fail(err, EK_ERR_NOMEM, "out of memory for ranks");
    eks_fill_normal(r->x, COUNT, study->options->seed, 2100, 5, 2);
    eks_fill_normal(r->dy, COUNT, study->options->seed, 2101, 0, 1);
    eks_fill_normal(r->scale, C, study->options->seed, 2102, 1, 0.3);
    eks_fill_normal(r->bias, C, study->options->seed, 2103, 0, 1);
    ek_status status = all_cuts(study, r, evidence, err);
    evidence->values[PLAIN_SUMS_DIFFER] = plain_sums(study->options->seed);
    free(r);
    return status;
}

const eks_design eks_extra21 = {
    .number = 21,
    .taught = "Synchronized statistics give what one large batch gives.",
    .prediction = "Cut over 1 to 48 ranks, with equal and unequal shares, outputs and gradients have the bits of the "
                  "whole batch. Plain sums in rank order do not.",
    .refuter = "One differing bit.",
    .method = "A batch of 48 examples with 5 channels and 7 places, its parts exchanging moments and gradient sums in "
              "one process.",
    .sabotage = "half-batches",
    .sabotage_what = "the batch that serves for comparison has statistics per half",
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [CUTS_DIFFER] = {"values that differ over all cuts, forward and backward", EKS_EXACTLY, 0},
            [PLAIN_SUMS_DIFFER] = {"64 plain sums, over 1 rank and over 7: sums that differ", EKS_AT_LEAST, 1,
                                   .control = 1},
        },
    .forms = forms,
};
