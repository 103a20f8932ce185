/* image_feed.h: image files as an array for a model. */
#ifndef EK_TOOL_IMAGE_FEED_H
#define EK_TOOL_IMAGE_FEED_H

#include "command.h"

#include <evenkeel/data.h>
#include <evenkeel/session.h>

typedef struct image_feed {
    ek_dataset *dataset;
    ek_loader *loader;
    float *pixels;  /* of a model that takes channels last */
    ek_array array; /* N x C x H x W, N x H x W x C, or N x CHW for an input of rank 2; the loader's memory or pixels */
} image_feed;

/* All images of --image as one batch for input `index`, by the rules of predict: at the size of the model or --size,
 * gray or RGB, normalized by the mean and deviation of the file. */
EK_NODISCARD ek_status image_feed_open(const arguments *args, const ek_model *model, size_t index, image_feed *feed,
                                       ek_error *err);
void image_feed_close(image_feed *feed);

#endif
