/* fusion.c: the check of what a descriptor fuses, and what tells the kernels of a place in memory what is fused:
 * residual, activation, and in backward how the slope of the activation is found.
 *
 * Activations whose slope their output tells read y; for the others backward computes the input of the activation
 * again, by the arithmetic of forward, so that both see the same bits.
 */
#include "base/error.h"
#include "norm/norm_args.h"
#include "norm/phases.h"

#include <math.h>

_Static_assert((int)EK_ACTIVATION_RELU == (int)EKI_RELU && (int)EK_ACTIVATION_CLIP == (int)EKI_CLIP &&
                   (int)EK_ACTIVATION_GELU == (int)EKI_GELU && (int)EK_ACTIVATION_SILU == (int)EKI_SILU,
               "the kernels number activations as norm.h does");

static ek_status check_alpha_beta(const ek_norm_desc *d, ek_error *err) {
    double a = d->activation_alpha, b = d->activation_beta;
    bool takes_a = d->activation == EK_ACTIVATION_LEAKY_RELU || d->activation == EK_ACTIVATION_CLIP ||
                   d->activation == EK_ACTIVATION_HARD_SIGMOID;
    bool takes_b = takes_a && d->activation != EK_ACTIVATION_LEAKY_RELU;
    if ((!takes_a && a != 0) || (!takes_b && b != 0)) {
        return eki_fail(err, EK_ERR_ARG,
                        "desc.activation_%s is %g, expected 0: desc.activation %d does not take it (LEAKY_RELU takes "
                        "alpha, CLIP and HARD_SIGMOID take both)",
                        !takes_a && a != 0 ? "alpha" : "beta", !takes_a && a != 0 ? a : b, (int)d->activation);
    }
    if (d->activation == EK_ACTIVATION_CLIP && !(a <= b)) {
        return eki_fail(err, EK_ERR_ARG,
                        "desc.activation_alpha is %g and activation_beta %g, EK_ACTIVATION_CLIP expects low <= high: "
                        "ReLU6 is 0 and 6",
                        a, b);
    }
    if (d->activation == EK_ACTIVATION_LEAKY_RELU && !(a >= 0 && isfinite((float)a))) {
        return eki_fail(err, EK_ERR_ARG,
                        "desc.activation_alpha is %g, EK_ACTIVATION_LEAKY_RELU expects a finite slope >= 0, such as "
                        "0.01: with another the sign of y does not tell the slope",
                        a);
    }
    if (d->activation == EK_ACTIVATION_HARD_SIGMOID && !(isfinite((float)a) && isfinite((float)b))) {
        return eki_fail(err, EK_ERR_ARG,
                        "desc.activation_alpha is %g and activation_beta %g, EK_ACTIVATION_HARD_SIGMOID expects finite "
                        "numbers, such as 0.2 and 0.5",
                        a, b);
    }
    return EK_OK;
}

ek_status eki_fusion_check(const ek_norm_desc *d, ek_error *err) {
    if (d->activation < EK_ACTIVATION_NONE || d->activation > EK_ACTIVATION_GELU) {
        return eki_fail(err, EK_ERR_ARG,
                        "desc.activation is %d, expected EK_ACTIVATION_NONE (0) to EK_ACTIVATION_GELU (9)",
                        (int)d->activation);
    }
    if (d->residual != 0 && d->residual != 1) {
        return eki_fail(err, EK_ERR_ARG, "desc.residual is %d, expected 0 or 1 (args.residual is added)", d->residual);
    }
    return check_alpha_beta(d, err);
}

bool eki_reads_output(const ek_norm_plan *plan) {
    switch (plan->desc.activation) {
    case EK_ACTIVATION_RELU:
    case EK_ACTIVATION_LEAKY_RELU:
    case EK_ACTIVATION_CLIP:
    case EK_ACTIVATION_SIGMOID:
    case EK_ACTIVATION_TANH:
    case EK_ACTIVATION_HARD_SIGMOID: return true;
    default: return false;
    }
}

/* Not where dresidual has fewer digits than g: dx is made of g itself, so that every result is rounded once. Nor with
 * a mask: what is hidden is cleared behind the affine phase. */
bool eki_can_form(const eki_job *job) {
    return job->dresidual != NULL && job->dx != NULL && job->plan->element_bytes == 4 && job->valid == NULL;
}

const eki_job *eki_formed(const eki_job *job, eki_job *local) {
    if (!job->forms) return job;
    *local = *job;
    local->dy = job->dresidual;
    local->formed = true;
    local->stream = job->plan->stream;
    return local;
}

bool eki_computes_again(const eki_job *job) {
    return !job->formed && job->dy != NULL && job->plan->desc.activation != EK_ACTIVATION_NONE &&
           job->y_of_forward == NULL;
}

bool eki_fuses(const eki_job *job) {
    if (job->formed) return false;
    return job->plan->desc.activation != EK_ACTIVATION_NONE || job->residual != NULL || job->dresidual != NULL;
}

const eki_epilogue *eki_fuse(const eki_job *job, int64_t offset, eki_epilogue *e) {
    const ek_norm_desc *d = &job->plan->desc;
    if (!eki_fuses(job)) return NULL;
    *e = (eki_epilogue){
        .activation = (int)d->activation, .alpha = (float)d->activation_alpha, .beta = (float)d->activation_beta};
    e->residual = eki_from(job, job->residual, offset);
    e->dresidual = eki_to(job, job->dresidual, offset);
    e->y = eki_from(job, job->y_of_forward, offset);
    e->x = eki_from(job, job->x_of_forward, offset);
    return e;
}

const eki_epilogue *eki_fuse_row(const eki_job *job, int64_t offset, const eki_scaling *row, eki_epilogue *e) {
    if (eki_fuse(job, offset, e) == NULL) return NULL;
    e->affine = row;
    return e;
}

const eki_epilogue *eki_fuse_columns(const eki_job *job, int64_t offset, const eki_scaling_columns *columns,
                                     eki_epilogue *e) {
    if (eki_fuse(job, offset, e) == NULL) return NULL;
    e->columns = columns;
    return e;
}

const eki_epilogue *eki_fuse_adding(const eki_job *job, const eki_epilogue *fused, eki_epilogue *e) {
    if (!job->adds_dx) return fused;
    if (fused == NULL) *e = (eki_epilogue){.activation = EKI_NO_ACTIVATION};
    e->adds = 1;
    return e;
}
