/* model_feed.c: a data set, batch by batch, as the input of a model. */
#include "surgery/model_feed.h"

#include <string.h>

static ek_status shape_input(eki_feed *feed, int64_t batch, ek_error *err) {
    ek_tensor_info in = ek_model_input(feed->model, 0);
    const int64_t extents[4] = {batch, feed->info.channels, feed->info.height, feed->info.width};
    int64_t wanted = 1, given = extents[1] * extents[2] * extents[3];
    size_t bytes;
    if (ek_model_input_count(feed->model) != 1 || in.dtype != EK_F32 || in.rank < 2) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "a data set can feed models with one float32 input of images only");
    }
    feed->input.dtype = EK_F32;
    feed->input.rank = in.rank;
    bool fits = true;
    for (int i = 0; i < in.rank; i++) {
        feed->input.dims[i] = in.dims[i] >= 0 ? in.dims[i] : in.rank == 4 || i == 0 ? extents[i] : given;
        if (i > 0 && !eki_mul_i64(wanted, feed->input.dims[i], &wanted)) fits = false;
        if (i > 0 && in.rank == 4 && feed->input.dims[i] != extents[i]) fits = false;
    }
    if (!fits || wanted != given || feed->input.dims[0] < 1) {
        return eki_fail(err, EK_ERR_SHAPE,
                        "images are %dx%dx%d (channels, height, width), which input '%s' does not take",
                        feed->info.channels, feed->info.height, feed->info.width, in.name);
    }
    feed->fixed = in.dims[0] > 0 ? in.dims[0] : -1;
    eki_shape shape = eki_shape_of(in.rank, feed->input.dims);
    EKI_TRY(eki_input_bytes(feed->model->graph, in.name, EK_F32, &shape, &bytes, err));
    feed->memory = eki_alloc_zero(bytes);
    return feed->memory == NULL ? eki_fail_nomem(err, bytes) : EK_OK;
}

ek_status eki_feed_open_as(eki_feed *feed, const ek_model *model, const ek_dataset *dataset, int64_t batch,
                           bool use_metadata, eki_feed_how how, ek_error *err) {
    *feed = (eki_feed){.model = model, .info = ek_dataset_describe(dataset), .how = how};
    ek_loader_options o = ek_loader_options_default();
    EKI_TRY(shape_input(feed, batch, err));
    feed->total = how.limit > 0 && how.limit < feed->info.count ? how.limit : feed->info.count;
    o.batch = feed->input.dims[0];
    o.shuffle = how.limit > 0;
    if (use_metadata) EKI_TRY(eki_model_moments(model, feed->info.channels, o.mean, o.std, err));
    return ek_loader_create(dataset, &o, &feed->loader, err);
}

ek_status eki_feed_open(eki_feed *feed, const ek_model *model, const ek_dataset *dataset, int64_t batch,
                        bool use_metadata, ek_error *err) {
    return eki_feed_open_as(feed, model, dataset, batch, use_metadata, (eki_feed_how){.gain = 1}, err);
}

ek_status eki_feed_start(eki_feed *feed, ek_error *err) {
    feed->left = feed->total;
    return ek_loader_start_epoch(feed->loader, 0, 0, err);
}

static void fill(const eki_feed *feed, int64_t values) {
    const float *from = feed->batch.images;
    if (feed->how.gain == 1 && feed->how.offset == 0) {
        memcpy(feed->memory, from, (size_t)values * sizeof(float));
        return;
    }
    for (int64_t i = 0; i < values; i++) {
        feed->memory[i] = (float)(feed->how.gain * (double)from[i] + feed->how.offset);
    }
}

ek_status eki_feed_next(eki_feed *feed, int64_t *examples, ek_error *err) {
    int64_t each = 1;
    *examples = 0;
    if (feed->left == 0) return EK_OK;
    EKI_TRY(ek_loader_next(feed->loader, &feed->batch, err));
    *examples = feed->batch.count < feed->left ? feed->batch.count : feed->left;
    feed->left -= *examples;
    if (*examples == 0) return EK_OK;
    for (int i = 1; i < feed->input.rank; i++) each *= feed->input.dims[i];
    fill(feed, *examples * each);
    /* A short batch of a model with a fixed one is filled with its own examples again: batch statistics are theirs. */
    for (int64_t row = *examples; row < feed->fixed; row++) {
        memcpy(feed->memory + row * each, feed->memory + row % *examples * each, (size_t)each * sizeof(float));
    }
    feed->input.data = feed->memory;
    feed->input.dims[0] = feed->fixed > 0 ? feed->fixed : *examples;
    return EK_OK;
}

void eki_feed_close(eki_feed *feed) {
    ek_loader_destroy(feed->loader);
    eki_free(feed->memory);
    feed->loader = NULL;
    feed->memory = NULL;
}
