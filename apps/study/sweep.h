/* sweep.h: three norms at five batch sizes: how card 10 trains them, and how the page's first figure finds them. */
#ifndef EKS_SWEEP_H
#define EKS_SWEEP_H

enum { EKS_SWEEP_NORMS = 3, EKS_SWEEP_SIZES = 5, EKS_SWEEP_ARMS = EKS_SWEEP_NORMS * EKS_SWEEP_SIZES };

static const int eks_sweep_sizes[EKS_SWEEP_SIZES] = {2, 4, 8, 16, 32}; /* images a batch */

/* Batch, group, layer norm, each over the sizes. */
#define EKS_SWEEP_ARM(norm, size) ((norm)*EKS_SWEEP_SIZES + (size))

#endif
