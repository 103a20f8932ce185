/* augment.h: making one batch of f32 images out of a set.
 *
 * What is done to an example depends on (seed, epoch, example) alone. In this order: jitter of its colours,
 * normalization, rotation, crop and mirror in one reading of the image, erasing.
 */
#ifndef EKI_AUGMENT_H
#define EKI_AUGMENT_H

#include "data/dataset.h"

/* What is done to every image; fixed for the life of a loader. */
typedef struct eki_recipe {
    const ek_dataset *dataset;
    uint64_t seed;
    int crop, flip;
    float erase, jitter[3], rotate, mixup; /* as in ek_loader_options */
    float mean[EK_MAX_CHANNELS], std[EK_MAX_CHANNELS];
    float table[EK_MAX_CHANNELS][256]; /* u8 -> normalized f32 */
} eki_recipe;

/* Fills the table from mean and std. */
void eki_recipe_prepare(eki_recipe *recipe);
bool eki_recipe_needs_scratch(const eki_recipe *recipe);

/* An example that is made of its pixels. */
typedef struct eki_making {
    uint64_t epoch, id;
    const void *pixels; /* u8 or f32, whichever the set has */
    float *scratch;     /* room for an example, where eki_recipe_needs_scratch */
} eki_making;

/* Writes the example as it looks in that epoch. */
void eki_recipe_apply(const eki_recipe *recipe, const eki_making *making, float *image);

/* The mask of that example, height x width elements of `bytes` bytes each, moved as its image is, each pixel taken from
 * the nearest one. Where there is no image behind a pixel it becomes `outside`, one element: give the class that the
 * loss ignores, since nothing is known there. What is erased keeps its classes: they are to be told from what is
 * around. */
void eki_recipe_apply_mask(const eki_recipe *recipe, uint64_t epoch, uint64_t id, const void *mask, size_t bytes,
                           const void *outside, void *to);

/* ---- Inside ---- */

/* augment_motion.c: where the pixels of an example come from. */
typedef struct eki_motion {
    int dy, dx; /* without rotation: output (y, x) is input (y + dy, x + dx), zero outside; x from the right when */
    int flip;
    bool turns;
    double cos, sin; /* about the middle of the image */
} eki_motion;

eki_motion eki_motion_draw(const eki_recipe *recipe, uint64_t epoch, uint64_t id);
/* Of a rotation: the place in the image that output (y, x) shows. */
void eki_motion_place(const eki_motion *motion, const ek_dataset_info *info, int y, int x, double *from_y,
                      double *from_x);

/* augment_color.c */
/* Reads an example into its scratch and changes its brightness, contrast and saturation. */
void eki_jitter(const eki_recipe *recipe, const eki_making *making);
/* Sets a rectangle of a normalized image to zero. */
void eki_erase(const eki_recipe *recipe, uint64_t epoch, uint64_t id, float *image);

/* mixup.c */
/* The example that `id` is mixed with in `epoch`, and the share that stays its own, the larger one. */
typedef struct eki_mix {
    uint64_t other;
    double share;
} eki_mix;
eki_mix eki_mix_draw(const eki_recipe *recipe, uint64_t epoch, uint64_t id);
/* EK_ERR_ARG: arrays of whole numbers, as classes and masks are. */
ek_status eki_mix_check(const ek_dataset *dataset, ek_error *err);
void eki_mix_values(double share, float *values, const float *other, size_t count);
/* The same of a row of an array, float32 or float64. */
void eki_mix_row(double share, const eki_field *field, void *row, const void *other);

#endif
