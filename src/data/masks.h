/* masks.h: mask images as an array of a set: a class for each pixel. */
#ifndef EKI_MASKS_H
#define EKI_MASKS_H

#include "data/dataset.h"

/* What a pixel is that belongs to no class, or lies outside of the image. */
enum { EKI_MASK_IGNORED = -100 };

typedef struct eki_mask_files {
    const char *name;            /* of the array */
    const eki_name_list *images; /* of each example, which the mask must be as large as */
    eki_name_list masks;
    eki_name_list training; /* of the training split, where it is another: they say what 255 means */
} eki_mask_files;

/* Adds the array, i16 [N, height, width] of the set's images; the masks are resized to these by the nearest pixel. With
 * `labels` the set is labelled with it. Where a set has no values but 0 and 255, 255 becomes 1; where it has others, it
 * is ignored. */
ek_status eki_masks_load(ek_dataset *dataset, const eki_open_args *args, const eki_mask_files *files, bool labels,
                         ek_error *err);

#endif
