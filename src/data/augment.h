/* augment.h: making one batch of f32 images out of a set. */
#ifndef EKI_AUGMENT_H
#define EKI_AUGMENT_H

#include "data/dataset.h"

/* What is done to every image; fixed for the life of a loader. */
typedef struct eki_recipe {
    const ek_dataset *dataset;
    uint64_t seed;
    int crop, flip;
    float mean[EK_MAX_CHANNELS], std[EK_MAX_CHANNELS];
    float table[EK_MAX_CHANNELS][256]; /* u8 -> normalized f32 */
} eki_recipe;

/* Fills the table from mean and std. */
void eki_recipe_prepare(eki_recipe *recipe);

/* Writes example `id` as it looks in `epoch`: normalized, cropped, mirrored. Depends on nothing else. */
void eki_recipe_apply(const eki_recipe *recipe, uint64_t epoch, uint64_t id, float *image);

#endif
