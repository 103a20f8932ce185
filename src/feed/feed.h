/* feed.h: a data set, batch by batch, as the input of a model: for training, evaluation and surgery alike. */
#ifndef EKI_FEED_H
#define EKI_FEED_H

#include "feed/intake.h"
#include "surgery/examples.h"

typedef struct eki_feed_options {
    int64_t batch;       /* examples; the model's own number, where it has one, goes before */
    bool use_metadata;   /* images are normalized with evenkeel.mean and evenkeel.std */
    bool shuffle;        /* in an order that is always the same; else as they come */
    int64_t limit;       /* so many at most; 0 = all */
    double gain, offset; /* every value x, normalized, becomes gain x + offset; gain 0 = 1 */
    int rank, ranks;     /* only this rank's part of each batch; 0 ranks = 1 */
} eki_feed_options;

typedef struct eki_feed {
    eki_intake intake;
    eki_feed_options options;
    ek_loader *loader;
    ek_batch batch;      /* of the last eki_feed_next: labels, ids; its count is of those that count */
    int64_t size;        /* of a batch, over all ranks */
    int64_t left, total; /* examples still to come, and all */
} eki_feed;

/* EK_ERR_UNSUPPORTED, EK_ERR_DTYPE, EK_ERR_SHAPE: the images are not what the model takes. EK_ERR_LIMIT: a batch takes
 * more than there is memory. The model must outlive the feed. */
ek_status eki_feed_open(eki_feed *feed, const ek_model *model, const ek_dataset *dataset,
                        const eki_feed_options *options, ek_error *err);
/* Back to the first example. */
ek_status eki_feed_start(eki_feed *feed, ek_error *err);
/* Goes to the next batch; feed->batch.count = 0: there are no more, or with ranks, when total is not 0: none for this
 * one. */
ek_status eki_feed_next(eki_feed *feed, ek_error *err);
/* Rows of the input for this batch: the model's own number, or as many as there are examples. */
int64_t eki_feed_rows(const eki_feed *feed);
/* Writes the input for this batch. */
void eki_feed_fill(const eki_feed *feed, float *to);
void eki_feed_close(eki_feed *feed);

/* ---- feed_examples.c: a feed as surgery takes examples ---- */
typedef struct eki_stream {
    const ek_model *model;
    const ek_dataset *dataset;
    eki_feed_options options;
    bool open; /* the first start opens it */
    eki_feed feed;
    ek_array input;
    ek_array *arrays; /* of a set of arrays: the model's inputs, where they are not the batch's own memory, and ... */
    size_t count;
    int64_t rows; /* ... the model's own batch size; 0 = it takes any */
} eki_stream;

/* The examples of a data set; the stream must outlive them and be closed. */
eki_examples eki_stream_examples(eki_stream *stream);
void eki_stream_close(eki_stream *stream);

/* ---- feed_arrays.c: the same of a set of arrays, by the names of the inputs ---- */
eki_examples eki_stream_arrays(eki_stream *stream);
void eki_stream_arrays_close(eki_stream *stream);

#endif
