/* feed_arrays.c: a set of arrays as the inputs of a model, for surgery that measures. An array goes where its name
 * says; those that are no input, as targets, go nowhere.
 */
#include "feed/array.h"
#include "feed/feed.h"

#include <stdlib.h>
#include <string.h>

static ek_status open_stream(eki_stream *s, ek_error *err) {
    ek_loader_options o = ek_loader_options_default();
    ek_dataset_info info = ek_dataset_describe(s->dataset);
    s->count = ek_model_input_count(s->model);
    s->arrays = eki_calloc(s->count + 1, sizeof *s->arrays);
    if (s->arrays == NULL) return eki_fail_nomem(err, s->count * sizeof *s->arrays);
    ek_tensor_info first = ek_model_input(s->model, 0);
    if (first.rank > 0 && first.dims[0] > 0) s->rows = first.dims[0];
    o.batch = s->rows > 0 ? s->rows : s->options.batch;
    o.shuffle = s->options.shuffle;
    s->feed.total = s->options.limit > 0 && s->options.limit < info.count ? s->options.limit : info.count;
    return ek_loader_create(s->dataset, &o, &s->feed.loader, err);
}

static ek_status start(void *context, int64_t *total, ek_error *err) {
    eki_stream *s = context;
    if (!s->open) EKI_TRY(open_stream(s, err));
    s->open = true;
    *total = s->feed.total;
    return eki_feed_start(&s->feed, err);
}

/* One input; a batch that the model has too few of is filled up with its own examples again. */
static ek_status fill(const eki_stream *s, const ek_tensor_info *input, const ek_batch_array *array, ek_array *to,
                      ek_error *err) {
    int64_t rows = s->rows > 0 ? s->rows : array->dims[0];
    size_t each = 1, bytes = eki_dtype_bytes(input->dtype);
    if (!eki_array_converts(array->dtype, input->dtype)) {
        return eki_fail(err, EK_ERR_DTYPE, "array '%s' is %s, but the input is %s", array->name,
                        eki_dtype_name(array->dtype), eki_dtype_name(input->dtype));
    }
    *to = (ek_array){.dtype = input->dtype, .rank = array->rank, .dims = {rows}, .data = to->data};
    for (int i = 1; i < array->rank; i++) {
        to->dims[i] = array->dims[i];
        each *= (size_t)array->dims[i]; /* an example, which is in memory in another type */
    }
    if (!eki_mul_size(each, bytes, &bytes)) return eki_fail_nomem(err, SIZE_MAX);
    if (to->data == NULL) to->data = eki_alloc(eki_size_of((size_t)rows, bytes));
    if (to->data == NULL) return eki_fail_nomem(err, bytes);
    for (int64_t r = 0; r < rows; r++) {
        size_t from = (size_t)(r % s->feed.batch.count) * each;
        eki_array_fill(array, from, each, to->dtype, (unsigned char *)to->data + (size_t)r * bytes);
    }
    return EK_OK;
}

static ek_status next(void *context, eki_inputs *inputs, int64_t *count, ek_error *err) {
    eki_stream *s = context;
    EKI_TRY(eki_feed_next(&s->feed, err));
    *count = s->feed.batch.count;
    if (*count == 0) return EK_OK;
    for (size_t i = 0; i < s->count; i++) {
        const ek_tensor_info input = ek_model_input(s->model, i);
        for (size_t k = 0; k < s->feed.batch.array_count; k++) {
            const ek_batch_array *array = &s->feed.batch.arrays[k];
            if (strcmp(array->name, input.name) == 0) EKI_TRY(fill(s, &input, array, &s->arrays[i], err));
        }
    }
    *inputs = (eki_inputs){s->arrays, s->count};
    return EK_OK;
}

eki_examples eki_stream_arrays(eki_stream *stream) {
    return (eki_examples){.context = stream, .start = start, .next = next};
}

void eki_stream_arrays_close(eki_stream *s) {
    for (size_t i = 0; i < s->count; i++) eki_free(s->arrays[i].data);
    free(s->arrays);
    s->arrays = NULL;
    s->count = 0;
}
