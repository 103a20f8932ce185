/* activation_ref.h: every activation and its slope in long double, straight from the formulas in norm.h. Tests only. */
#ifndef EKI_ACTIVATION_REF_H
#define EKI_ACTIVATION_REF_H

/* activation: the values of ek_activation. */
long double eki_ref_activation(int activation, long double t, double alpha, double beta);

/* The derivative; at a corner that of the side where the output is constant (LEAKY_RELU: alpha). */
long double eki_ref_slope(int activation, long double t, double alpha, double beta);

#endif
