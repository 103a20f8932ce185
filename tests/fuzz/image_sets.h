/* image_sets.h: a few images, of three classes and of the extents that a model wants, where these are small. */
#ifndef FUZZ_IMAGE_SETS_H
#define FUZZ_IMAGE_SETS_H

#include <evenkeel/data.h>
#include <evenkeel/model.h>

/* The set lives until others have been asked for. */
const ek_dataset *image_set(const ek_model *model);

#endif
