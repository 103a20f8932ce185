/* resize.h: images of another size. */
#ifndef EKI_RESIZE_H
#define EKI_RESIZE_H

#include "data/dataset.h"
#include "data/image.h"

typedef struct eki_extent {
    int height, width;
} eki_extent;

/* What is added before a value is cut to a byte: with so much above a half that x.5 goes up in whatever order it was
 * summed. surgery/preprocess_graph.c has the same number. */
#define EKI_RESIZE_HALF (0.5 + 0x1p-20)

/* Tables for images of one size made another: made once for a set, read by all threads. */
typedef struct eki_resizer eki_resizer;
ek_status eki_resizer_create(eki_extent from, eki_extent to, eki_resizer **resizer, ek_error *err);
void eki_resizer_destroy(eki_resizer *resizer);

/* Planes of the one size to planes of the other; the memory does not overlap. */
ek_status eki_resize(const eki_resizer *resizer, const float *in, int planes, float *out, ek_error *err);
/* ... of u8, rounded to nearest. */
ek_status eki_resize_u8(const eki_resizer *resizer, const unsigned char *in, int planes, unsigned char *out,
                        ek_error *err);

/* A decoded image to planes; of a gray one each plane is the same. */
ek_status eki_resize_image(const eki_image *image, int planes, unsigned char *out, eki_extent to, ek_error *err);

/* Every image of a set, in place. Does nothing when the size is the same. */
ek_status eki_resize_dataset(ek_dataset *dataset, int height, int width, ek_error *err);

#endif
