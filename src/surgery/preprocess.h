/* preprocess.h: the nodes that make a model's input of pixels. */
#ifndef EKI_PREPROCESS_H
#define EKI_PREPROCESS_H

#include "surgery/surgery.h"

/* What an image goes through, in this order: gray of colours, another size, [0, 1], mean and deviation. */
typedef struct eki_preparation {
    ek_pixels pixels;
    int taken;                   /* channels of the pixels: 1 or 3 */
    int channels, height, width; /* of the model's input */
    int channels_last;           /* the model wants [N,H,W,C] */
    const float *mean, *std;     /* one for each of `channels` */
} eki_preparation;

/* Nodes from `pixels` to `input`, which has no producer yet. */
ek_status eki_prepare_pixels(eki_graph *graph, const eki_preparation *preparation, eki_value *pixels, eki_value *input,
                             ek_error *err);

#endif
