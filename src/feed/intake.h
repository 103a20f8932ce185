/* intake.h: what a model takes in where it is fed images: its first input, float32, its extents, where its channels
 * are.
 *
 * Images come as data sets and loaders give them, C x H x W each.
 */
#ifndef EKI_INTAKE_H
#define EKI_INTAKE_H

#include "model/model.h"

#include <evenkeel/data.h>

typedef struct eki_intake {
    const eki_graph *graph;
    const eki_value *input;
    eki_shape shape;    /* of the input, for any number of examples */
    int64_t fixed;      /* the model's own batch size, which a file may be written for; 0 = it takes any */
    int64_t each;       /* values of an example */
    int64_t channels;   /* of an image; 0 = not known, of a model that takes flat ones */
    bool channels_last; /* the model wants them H x W x C */
} eki_intake;

/* EK_ERR_UNSUPPORTED, EK_ERR_DTYPE, EK_ERR_SHAPE: the model's first input is not float32 with examples first. */
ek_status eki_intake_check(const ek_model *model, ek_error *err);

/* For images of these extents; those that are 0 are the model's. EK_ERR_SHAPE: the images are not what the model takes,
 * or an extent is said by neither. */
ek_status eki_intake_open(const ek_model *model, const ek_dataset_info *images, eki_intake *intake, ek_error *err);

/* The input's shape for `rows` examples; *bytes (may be NULL) of it. EK_ERR_LIMIT: more than there is memory. */
ek_status eki_intake_shape(const eki_intake *intake, int64_t rows, eki_shape *shape, size_t *bytes, ek_error *err);

/* `count` images into `rows` rows of the input. The rows beyond are filled with the same images again, so that batch
 * statistics are theirs. */
void eki_intake_fill(const eki_intake *intake, const float *images, int64_t count, int64_t rows, float *to);

#endif
