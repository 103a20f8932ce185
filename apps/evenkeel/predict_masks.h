/* predict_masks.h: where the masks of `evenkeel predict` go, and writing them. */
#ifndef EK_TOOL_PREDICT_MASKS_H
#define EK_TOOL_PREDICT_MASKS_H

#include "command.h"

#include <evenkeel/train.h>

/* The images of a list that are no masks made before, where masks go beside their images; NULL list = out of memory. */
EK_NODISCARD ek_status masks_leave_out(ek_image_list **list, ek_error *err);
/* The path of the mask of an image: in --output, by its path below the operand that it comes from, or beside it. */
char *mask_path(const arguments *args, const char *image);
/* Every mask has a file of its own, which is none of the images. */
EK_NODISCARD ek_status masks_check(const arguments *args, const ek_image_list *list, ek_error *err);
/* Writes the likeliest class of each pixel, as large as the image was; scores [C,H,W], of one channel with two classes.
 */
EK_NODISCARD ek_status mask_put(const char *path, const char *image, const ek_output *output, int64_t index,
                                ek_error *err);

#endif
