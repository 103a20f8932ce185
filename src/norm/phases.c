/* phases.c: which functions are the four phases of a plan. */
#include "norm/phases.h"

const eki_phases *eki_phases_of(const ek_norm_plan *plan) {
    static const eki_phases rows = {eki_moments_rows, eki_gradsums_rows, eki_affine_rows, eki_gradaffine_rows};
    static const eki_phases tiles = {eki_moments_tiles, eki_gradsums_tiles, eki_affine_tiles, eki_gradaffine_tiles};
    static const eki_phases wide = {eki_wide_moments, eki_wide_gradsums, eki_wide_affine_cells, eki_wide_gradaffine};
    return plan->wide ? &wide : plan->row_apply ? &rows : &tiles;
}
