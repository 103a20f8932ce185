/* image_pool.h: the images that experiments train on, read once per run and kept in memory at the size they are used.
 */
#ifndef EKS_POOL_H
#define EKS_POOL_H

#include "study/seam.h"

#include <evenkeel/data.h>

/* Which of the data sets given: the first grey one, the first coloured one, or the first. Without one of the kind the
 * first serves. */
typedef enum eks_wanted { EKS_ANY, EKS_GREY, EKS_COLOUR } eks_wanted;

typedef struct eks_images {
    int64_t count;
    float *pixels; /* count x channels x side x side, in [0, 1] */
    int32_t *labels;
} eks_images;

typedef struct eks_pool {
    const char *name; /* "strokes 14 x 14" */
    char text[64];
    int channels, side, classes;
    float mean[EK_MAX_CHANNELS], std[EK_MAX_CHANNELS];
    eks_images train, test;
    int64_t *mixed; /* an order of the training images: its first few are of all classes */
    int source;     /* index of the data set */
} eks_pool;

/* A change of the images: pixel -> gain * pixel + offset; all zero = as they are. `raw` = not normalized. */
typedef struct eks_change {
    double gain, offset;
    int raw;
} eks_change;

enum { EKS_POOLS = 12 };

ek_status eks_pool_get(eks_study *study, eks_wanted wanted, int side, const eks_pool **pool, ek_error *err);
void eks_pools_free(eks_study *study);

/* Copies `count` images in the given order into `out`, changed and normalized; labels may be NULL. */
void eks_pool_gather(const eks_pool *pool, const eks_images *from, const int64_t *order, int64_t count,
                     eks_change change, float *out, int32_t *labels);

#endif
