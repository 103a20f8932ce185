/* kernels.c: the kernels that a trial runs, by the rules of norm_schedule.c. */
#include "bounds/theorems.h"

static bool fuses(const trial *t) { return t->desc.activation != EK_ACTIVATION_NONE || t->desc.residual; }

static const char *moments_of(const trial *t) {
    const ek_norm_plan *p = t->plan;
    if (p->family == EKI_BATCH && t->stats == EK_STATS_RUNNING) return "inference";
    bool rows = p->family == EKI_BATCH ? p->row_apply : p->row_sets;
    if (!rows) return "col_moments";
    if (p->masked && p->family != EKI_ROWS) return "row_moments_masked";
    if (p->family == EKI_BATCH || p->masked || p->set_blocks > 1) return "row_moments";
    return "row_statistics";
}

static bool joined(const ek_norm_plan *p) {
    return p->row_sets && p->set_blocks == 1 && (p->row_apply || p->family == EKI_ROWS);
}

static const char *affine_of(const trial *t) {
    const ek_norm_plan *p = t->plan;
    bool once = p->family == EKI_BATCH ? t->stats == EK_STATS_RUNNING : joined(p);
    bool stream = p->stream && (!once || p->stream_once);
    if (p->family == EKI_ROWS) return stream && !p->masked && !fuses(t) ? "vec_affine_stream" : "vec_affine";
    if (p->row_apply) return stream ? "row_affine_stream" : "row_affine";
    return stream ? "col_affine_stream" : "col_affine";
}

static const char *gradient_of(const trial *t) {
    const ek_norm_plan *p = t->plan;
    bool stream = p->stream && !fuses(t);
    if (p->family == EKI_ROWS) return stream ? "vec_gradaffine_stream" : "vec_gradaffine";
    if (p->row_apply) return stream ? "row_gradaffine_stream" : "row_gradaffine";
    return stream ? "col_gradaffine_stream" : "col_gradaffine";
}

kernel_names kernels_of(const trial *t) {
    const ek_norm_plan *p = t->plan;
    if (p->wide) return (kernel_names){"f64", "f64", "f64", "f64", "f64"};
    kernel_names k = {moments_of(t), affine_of(t), NULL, NULL, gradient_of(t)};
    if (p->family == EKI_ROWS) {
        bool all = p->set_blocks == 1 && p->param_blocks > 1 && !fuses(t) && !p->masked;
        k.parameters = all ? "vec_allsums" : "vec_paramgrads";
        k.sums = all ? "vec_allsums" : "vec_gradsums";
        return k;
    }
    k.parameters = k.sums = !p->row_apply ? "col_gradsums" : p->masked ? "row_gradsums_masked" : "row_gradsums";
    return k;
}
