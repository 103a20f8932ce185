/* network.h: the small trained network that cards 3 and 12 share: trained once per run, when first wanted. */
#ifndef EKS_NETWORK_H
#define EKS_NETWORK_H

#include "study/seam.h"

#include <evenkeel/data.h>
#include <evenkeel/model.h>

enum { EKS_TEST_IMAGES = 1000, EKS_SIDE = 14 };

struct eks_network {
    ek_model *model;
    int64_t count; /* test images */
    int channels, classes;
    float *images;   /* count x channels x SIDE x SIDE, normalized */
    int32_t *labels; /* count */
    double seconds;  /* spent on training */
    int64_t seen;    /* images trained on */
    const char *data;
};

/* Threads for this network: as asked for, else one. So small a network gains little from more, and on a busy machine
 * threads that wait for each other lose far more. */
int eks_network_threads(const eks_study *study);

/* Trains the network unless that was done already. */
ek_status eks_network_get(eks_study *study, const eks_network **network, ek_error *err);
void eks_network_free(eks_network *network); /* accepts NULL */

/* Logits of all test images, count x classes in file order, computed in batches of `batch` taken in the given order
 * (NULL = file order), the last one short. */
ek_status eks_network_logits(const eks_network *network, ek_mode mode, int threads, int64_t batch, const int64_t *order,
                             float *logits, ek_error *err);
double eks_network_accuracy(const eks_network *network, const float *logits);
/* Order of test images sorted by class, stable. */
void eks_network_sorted(const eks_network *network, int64_t *order);

/* One training step of a new network whose statistics are frozen: how many running values and how many scale and bias
 * values it changes. */
ek_status eks_network_frozen_step(eks_study *study, double *running_changed, double *affine_changed, ek_error *err);

#endif
