/* image_feed.c: see image_feed.h. */
#include "image_feed.h"

#include "grid.h"
#include "inputs.h"
#include "message.h"
#include "parts.h"

#include <stdlib.h>
#include <string.h>

static ek_status open_files(const arguments *args, const ek_dataset_options *options, image_feed *feed, ek_error *err) {
    const option_value *given = option_get(args, "image");
    ek_image_list *list = NULL;
    const ek_skipped *skipped;
    ek_status status = ek_image_list_make(given->texts, (size_t)given->count, &list, err);
    if (status != EK_OK) return status;
    size_t kinds = ek_image_list_skipped(list, &skipped), count = ek_image_list_count(list);
    if (kinds > 0) tell_skipped("--image", skipped, kinds);
    status = count == 0 ? fail(err, EK_ERR_FORMAT, "--image %s: no image", given->texts[0])
                        : ek_dataset_open_images(list, 0, count, options, &feed->dataset, err);
    ek_image_list_free(list);
    return status;
}

/* One batch, normalized as the file says. */
static ek_status load(const ek_model_images *images, const char *path, image_feed *feed, ek_batch *batch,
                      ek_error *err) {
    ek_dataset_info info = ek_dataset_describe(feed->dataset);
    ek_loader_options options = ek_loader_options_default();
    if (images->moments != 0 && images->moments != info.channels)
        return fail(err, EK_ERR_FORMAT, "%s keeps mean and deviation of %d channels, but takes images of %d", path,
                    images->moments, info.channels);
    memcpy(options.mean, images->mean, sizeof options.mean);
    memcpy(options.std, images->std, sizeof options.std);
    options.batch = info.count;
    options.prefetch = 0;
    ek_status status = ek_loader_create(feed->dataset, &options, &feed->loader, err);
    if (status == EK_OK) status = ek_loader_start_epoch(feed->loader, 0, 0, err);
    return status == EK_OK ? ek_loader_next(feed->loader, batch, err) : status;
}

/* For a model that takes channels last. */
static ek_status turn(image_feed *feed, const ek_batch *batch, ek_error *err) {
    int64_t *dims = feed->array.dims, channels = dims[1], pixels = dims[2] * dims[3];
    feed->pixels = grid_alloc((size_t)dims[0], (size_t)(channels * pixels), sizeof *feed->pixels);
    if (feed->pixels == NULL) return fail(err, EK_ERR_NOMEM, "out of memory for the images");
    float *to = feed->pixels;
    for (int64_t n = 0; n < dims[0]; n++)
        for (int64_t i = 0; i < pixels; i++)
            for (int64_t c = 0; c < channels; c++) *to++ = batch->images[(n * channels + c) * pixels + i];
    dims[1] = dims[2];
    dims[2] = dims[3];
    dims[3] = channels;
    feed->array.data = feed->pixels;
    return EK_OK;
}

ek_status image_feed_open(const arguments *args, const ek_model *model, size_t index, image_feed *feed, ek_error *err) {
    ek_model_images images;
    ek_dataset_options options;
    ek_batch batch;
    ek_status status = file_options(args, model, &images, &options, err);
    if (status == EK_OK) status = open_files(args, &options, feed, err);
    if (status == EK_OK) status = load(&images, ek_model_path(model), feed, &batch, err);
    if (status != EK_OK) return status;
    ek_dataset_info info = ek_dataset_describe(feed->dataset);
    tell_channels("--image", ek_dataset_stored_channels(feed->dataset), info.channels);
    int64_t each = (int64_t)info.channels * info.height * info.width;
    feed->array = (ek_array){.dtype = EK_F32,
                             .rank = 4,
                             .dims = {batch.count, info.channels, info.height, info.width},
                             .data = (void *)(uintptr_t)batch.images}; /* a session only reads its inputs */
    if (index == 0 && images.channels_last) return turn(feed, &batch, err);
    if (ek_model_input(model, index).rank == 2) {
        feed->array.rank = 2;
        feed->array.dims[1] = each;
    }
    return EK_OK;
}

void image_feed_close(image_feed *feed) {
    ek_loader_destroy(feed->loader);
    ek_dataset_close(feed->dataset);
    free(feed->pixels);
}
