/* place.h: a decoded image as an example of a set. */
#ifndef EKI_PLACE_H
#define EKI_PLACE_H

#include "data/image.h"
#include "data/resize.h"

/* The image as planes of `to`: its colours as `channels` (1 = gray, 3 = RGB), then resized. Its pixels are used up. */
ek_status eki_image_place(eki_image *image, int channels, eki_extent to, unsigned char *out, ek_error *err);

#endif
