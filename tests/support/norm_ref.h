/* norm_ref.h: every norm, forward and backward, as slow and obvious f64 loops. Only tests link it.
 *
 * Tensors are in logical order (N, C, D1, ...), f64. A set is named per element by an index array, so that one pair
 * of loops serves all norms and there is nothing to get wrong twice.
 */
#ifndef EKI_NORM_REF_H
#define EKI_NORM_REF_H

#include <stddef.h>

/* The kinds, written down a second time: which elements share statistics, and whether the mean is taken away. */
typedef enum eki_ref_share {
    EKI_REF_BATCH,  /* a channel, in all examples */
    EKI_REF_GROUPS, /* desc.groups of the channels of an example */
    EKI_REF_EACH,   /* a channel of an example */
    EKI_REF_AXES    /* dims[axis..]; with affine CHANNEL all channels of an example */
} eki_ref_share;
typedef struct eki_ref_kind {
    eki_ref_share share;
    int centred; /* 0: RMS */
} eki_ref_kind;

/* NULL: a kind without a reference. */
const eki_ref_kind *eki_ref_kind_of(int kind);

/* set[i] = statistics that element i shares; parameter[i] = scale and bias that it takes. */
typedef struct eki_ref_norm {
    size_t elements, sets, parameters;
    const size_t *set, *parameter;
    int centred; /* 0: RMS */
    double epsilon;
    int activation;           /* of ek_activation, on t = scale * xhat + bias + residual */
    double alpha, beta;       /* of the activation */
    const double *residual;   /* or NULL */
    const double *mean, *var; /* given statistics of the sets (running), or NULL = of the batch */
} eki_ref_norm;

/* Population mean and variance of every set (RMS: 0 and the mean of squares). */
void eki_ref_moments(const eki_ref_norm *norm, const double *x, double *mean, double *var);

void eki_ref_forward(const eki_ref_norm *norm, const double *x, const double *scale, const double *bias, double *y);

/* sign = +1; another value multiplies the term through the variance, to make a backward that is wrong on purpose. */
void eki_ref_backward(const eki_ref_norm *norm, const double *x, const double *scale, const double *dy, double sign,
                      double *dx, double *dscale, double *dbias);

/* dy times the slope of the activation: the gradient before it, which is that of the residual too. */
void eki_ref_before(const eki_ref_norm *norm, const double *x, const double *scale, const double *bias,
                    const double *dy, double *g);

#endif
