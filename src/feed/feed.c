/* feed.c: a data set, batch by batch, as the input of a model. */
#include "feed/feed.h"

ek_status eki_feed_open(eki_feed *feed, const ek_model *model, const ek_dataset *dataset,
                        const eki_feed_options *options, ek_error *err) {
    ek_dataset_info info = ek_dataset_describe(dataset);
    ek_loader_options o = ek_loader_options_default();
    *feed = (eki_feed){.options = *options};
    if (info.channels == 0) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "the examples are arrays, and images are needed here");
    }
    if (options->gain == 0) feed->options.gain = 1;
    EKI_TRY(eki_intake_open(model, &info, &feed->intake, err));
    feed->total = options->limit > 0 && options->limit < info.count ? options->limit : info.count;
    o.batch = feed->intake.fixed > 0 ? feed->intake.fixed : options->batch;
    o.shuffle = options->shuffle;
    o.rank = options->rank;
    o.ranks = options->ranks;
    feed->size = o.batch;
    eki_shape shape;
    EKI_TRY(eki_intake_shape(&feed->intake, o.batch, &shape, NULL, err));
    if (options->use_metadata) EKI_TRY(eki_model_moments(model, info.channels, o.mean, o.std, err));
    return ek_loader_create(dataset, &o, &feed->loader, err);
}

ek_status eki_feed_start(eki_feed *feed, ek_error *err) {
    feed->left = feed->total;
    return ek_loader_start_epoch(feed->loader, 0, 0, err);
}

ek_status eki_feed_next(eki_feed *feed, ek_error *err) {
    feed->batch.count = feed->batch.total = 0;
    if (feed->left == 0) return EK_OK;
    EKI_TRY(ek_loader_next(feed->loader, &feed->batch, err));
    if (feed->batch.count > feed->left) feed->batch.count = feed->left;
    feed->left -= feed->options.ranks > 1 ? feed->batch.total : feed->batch.count;
    return EK_OK;
}

int64_t eki_feed_rows(const eki_feed *feed) { return feed->intake.fixed > 0 ? feed->intake.fixed : feed->batch.count; }

void eki_feed_fill(const eki_feed *feed, float *to) {
    int64_t rows = eki_feed_rows(feed);
    double gain = feed->options.gain, offset = feed->options.offset;
    eki_intake_fill(&feed->intake, feed->batch.images, feed->batch.count, rows, to);
    if (gain == 1 && offset == 0) return;
    for (int64_t i = 0; i < rows * feed->intake.each; i++) to[i] = (float)(gain * (double)to[i] + offset);
}

void eki_feed_close(eki_feed *feed) {
    ek_loader_destroy(feed->loader);
    feed->loader = NULL;
}
