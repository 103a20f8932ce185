/* model_feed.h: a data set, batch by batch, as the input of a model. */
#ifndef EKI_MODEL_FEED_H
#define EKI_MODEL_FEED_H

#include "model/model.h"

#include <evenkeel/data.h>

/* Another view of the data: images in which every value x, normalized, is gain x + offset; some of them only. */
typedef struct eki_feed_how {
    double gain, offset;
    int64_t limit; /* so many at most, in a shuffled order; 0 = all, as they come */
} eki_feed_how;

typedef struct eki_feed {
    const ek_model *model;
    ek_dataset_info info;
    ek_loader *loader;
    ek_array input; /* of the last eki_feed_next */
    float *memory;  /* a full batch: a model may be written for one size */
    int64_t fixed;  /* that size, or -1 */
    ek_batch batch; /* labels too */
    eki_feed_how how;
    int64_t left; /* images still to come, of `total` */
    int64_t total;
} eki_feed;

/* The model's own batch size, where it has one, goes before `batch`. With use_metadata images are normalized with
 * evenkeel.mean and evenkeel.std. EK_ERR_UNSUPPORTED, EK_ERR_SHAPE: the images are not what the model takes. */
ek_status eki_feed_open(eki_feed *feed, const ek_model *model, const ek_dataset *dataset, int64_t batch,
                        bool use_metadata, ek_error *err);
ek_status eki_feed_open_as(eki_feed *feed, const ek_model *model, const ek_dataset *dataset, int64_t batch,
                           bool use_metadata, eki_feed_how how, ek_error *err);
/* Back to the first example. */
ek_status eki_feed_start(eki_feed *feed, ek_error *err);
/* The next batch into feed->input; *examples of its rows count, 0 = there are no more. */
ek_status eki_feed_next(eki_feed *feed, int64_t *examples, ek_error *err);
void eki_feed_close(eki_feed *feed);

#endif
