/* wide_rows.c: parameter gradients of f64 layer and RMS norm with one scale and bias per element: sums down blocks of
 * rows, as in rows.c, which meet in the same tree. */
#include "norm/variants/mask.h"
#include "norm/wide.h"

enum { COLUMNS = 64 };

/* The sums down one block of rows of some columns. */
static void block_sums(const eki_job *job, int64_t block, int64_t first, int64_t last, eki_pair *sums) {
    const ek_norm_plan *plan = job->plan;
    int64_t end = (block + 1) * plan->param_rows;
    for (int64_t j = first; j < last; j++) sums[j - first] = (eki_pair){0, 0};
    for (int64_t row = block * plan->param_rows; row < end && row < plan->samples; row++) {
        if (eki_row_hidden(job, row)) continue;
        eki_wide_affine p = eki_wide_affine_of(job, row, 0);
        for (int64_t j = first; j < last; j++) {
            eki_wide_element(job, j, &p);
            int64_t at = row * plan->space + j;
            double g = eki_wide_before(job, &p, at);
            sums[j - first].a += g;
            sums[j - first].b += g * (eki_wide_centred(job, &p, p.mean, at) * p.rstd);
        }
    }
}

void eki_wide_rows_parameters(const eki_job *job, int64_t begin, int64_t end) {
    const ek_norm_plan *plan = job->plan;
    eki_pair_stack stacks[COLUMNS];
    eki_pair sums[COLUMNS];
    for (int64_t first = begin; first < end; first += COLUMNS) {
        int64_t last = end - first < COLUMNS ? end : first + COLUMNS;
        for (int64_t j = first; j < last; j++) stacks[j - first].count = 0;
        for (int64_t block = 0; block < plan->param_blocks; block++) {
            block_sums(job, block, first, last, sums);
            for (int64_t j = first; j < last; j++) eki_pair_push(&stacks[j - first], sums[j - first]);
        }
        for (int64_t j = first; j < last; j++) {
            eki_pair total = eki_pair_root(&stacks[j - first]);
            eki_put_gradients(job, j, total.b, total.a);
        }
    }
}
