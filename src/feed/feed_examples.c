/* feed_examples.c: a feed as surgery takes examples: batch after batch in memory of its own, opened when the first is
 * wanted.
 */
#include "feed/feed.h"

static ek_status open_stream(eki_stream *s, ek_error *err) {
    eki_shape shape;
    size_t bytes;
    EKI_TRY(eki_feed_open(&s->feed, s->model, s->dataset, &s->options, err));
    int64_t rows = s->feed.intake.fixed > 0 ? s->feed.intake.fixed : s->options.batch;
    EKI_TRY(eki_intake_shape(&s->feed.intake, rows, &shape, &bytes, err));
    s->input = (ek_array){.dtype = EK_F32, .rank = shape.rank, .data = eki_alloc_zero(eki_sized(bytes))};
    for (int i = 0; i < shape.rank; i++) s->input.dims[i] = shape.dims[i];
    return s->input.data == NULL ? eki_fail_nomem(err, bytes) : EK_OK;
}

static ek_status start(void *context, int64_t *total, ek_error *err) {
    eki_stream *s = context;
    if (!s->open) EKI_TRY(open_stream(s, err));
    s->open = true;
    *total = s->feed.total;
    return eki_feed_start(&s->feed, err);
}

static ek_status next(void *context, eki_inputs *inputs, int64_t *count, ek_error *err) {
    eki_stream *s = context;
    EKI_TRY(eki_feed_next(&s->feed, err));
    *count = s->feed.batch.count;
    if (*count == 0) return EK_OK;
    s->input.dims[0] = eki_feed_rows(&s->feed);
    eki_feed_fill(&s->feed, s->input.data);
    *inputs = (eki_inputs){&s->input, 1};
    return EK_OK;
}

eki_examples eki_stream_examples(eki_stream *stream) {
    if (stream->dataset != NULL && ek_dataset_describe(stream->dataset).channels == 0) return eki_stream_arrays(stream);
    return (eki_examples){.context = stream, .start = start, .next = next};
}

void eki_stream_close(eki_stream *s) {
    eki_feed_close(&s->feed);
    eki_stream_arrays_close(s);
    eki_free(s->input.data);
    s->input.data = NULL;
}
