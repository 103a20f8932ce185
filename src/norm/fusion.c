/* fusion.c: tells the kernels of one stretch of memory what is fused: residual, activation, and in backward how the
 * slope of the activation is found.
 *
 * Activations whose slope their output tells read y; for the others backward computes the input of the activation
 * again, by the arithmetic of forward, so that both see the same bits.
 */
#include "norm/norm_job.h"

_Static_assert((int)EK_ACTIVATION_RELU == (int)EKI_RELU && (int)EK_ACTIVATION_CLIP == (int)EKI_CLIP &&
                   (int)EK_ACTIVATION_GELU == (int)EKI_GELU && (int)EK_ACTIVATION_SILU == (int)EKI_SILU,
               "the kernels number activations as norm.h does");

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

bool eki_computes_again(const eki_job *job) {
    return job->dy != NULL && job->plan->desc.activation != EK_ACTIVATION_NONE && job->y_of_forward == NULL;
}

const eki_epilogue *eki_fuse(const eki_job *job, int64_t offset, eki_epilogue *e) {
    const ek_norm_desc *d = &job->plan->desc;
    if (d->activation == EK_ACTIVATION_NONE && job->residual == NULL && job->dresidual == NULL) return NULL;
    *e = (eki_epilogue){
        .activation = (int)d->activation, .alpha = (float)d->activation_alpha, .beta = (float)d->activation_beta};
    if (job->residual != NULL) e->residual = job->residual + offset;
    if (job->dresidual != NULL) e->dresidual = job->dresidual + offset;
    if (job->y_of_forward != NULL) e->y = job->y_of_forward + offset;
    e->x = job->x_of_forward + offset;
    return e;
}

const eki_epilogue *eki_fuse_row(const eki_job *job, int64_t offset, const eki_affine *row, eki_epilogue *e) {
    if (eki_fuse(job, offset, e) == NULL) return NULL;
    e->affine = row;
    return e;
}

const eki_epilogue *eki_fuse_columns(const eki_job *job, int64_t offset, const eki_affine_columns *columns,
                                     eki_epilogue *e) {
    if (eki_fuse(job, offset, e) == NULL) return NULL;
    e->columns = columns;
    return e;
}
