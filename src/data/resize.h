/* resize.h: images of another size. */
#ifndef EKI_RESIZE_H
#define EKI_RESIZE_H

#include "data/dataset.h"
#include "data/image.h"

typedef struct eki_extent {
    int height, width;
} eki_extent;

/* Planes of `from` to planes of `to`; the memory does not overlap. */
ek_status eki_resize(const float *in, int planes, eki_extent from, float *out, eki_extent to, ek_error *err);

/* The same for u8, rounded to nearest. */
ek_status eki_resize_u8(const unsigned char *in, int planes, eki_extent from, unsigned char *out, eki_extent to,
                        ek_error *err);

/* A decoded image to planes; of a gray one each plane is the same. */
ek_status eki_resize_image(const eki_image *image, int planes, unsigned char *out, eki_extent to, ek_error *err);

/* Every image of a set, in place. Does nothing when the size is the same. */
ek_status eki_resize_dataset(ek_dataset *dataset, int height, int width, ek_error *err);

#endif
