/* on_data.c: the calls of <evenkeel/surgery.h> that may measure on a data set: surgery itself knows examples only. */
#include "feed/on_data.h"

#include "base/options.h"
#include "surgery/convert.h"

enum { USUAL_BATCH = 64 };

static eki_stream stream_of(const ek_model *model, const ek_dataset *dataset, int64_t batch) {
    return (eki_stream){.model = model,
                        .dataset = dataset,
                        .options = {.batch = batch > 0 ? batch : USUAL_BATCH, .use_metadata = true}};
}

ek_status eki_recalibrate_on(ek_model *model, const ek_dataset *dataset, const ek_recalibrate_options *options,
                             const eki_feed_options *how, bool first_only, ek_recalibration **out, ek_error *err) {
    ek_recalibrate_options o = ek_recalibrate_options_default();
    EKI_TRY(eki_options_take(&o, sizeof o, options, "ek_recalibrate_options", err));
    eki_stream stream = {.model = model, .dataset = dataset, .options = *how};
    stream.options.batch = o.batch;
    stream.options.use_metadata = o.use_metadata != 0;
    if (o.sample > 0) stream.options.shuffle = true;
    if (o.sample > 0) stream.options.limit = o.sample;
    const eki_examples examples = eki_stream_examples(&stream);
    ek_status status = eki_recalibrate(model, &examples, &o, first_only, out, err);
    eki_stream_close(&stream);
    return status;
}

ek_status ek_recalibrate(ek_model *model, const ek_dataset *dataset, const ek_recalibrate_options *options,
                         ek_recalibration **out, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(dataset, err);
    EKI_GIVEN(out, err);
    *out = NULL;
    return eki_recalibrate_on(model, dataset, options, &(eki_feed_options){0}, false, out, err);
}

ek_status ek_unfold(const ek_model *model, const ek_unfold_options *options, ek_model **unfolded,
                    ek_edit_report **report, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(unfolded, err);
    EKI_GIVEN(report, err);
    ek_unfold_options o = ek_unfold_options_default();
    *unfolded = NULL;
    *report = NULL;
    EKI_TRY(eki_options_take(&o, sizeof o, options, "ek_unfold_options", err));
    eki_stream stream = stream_of(model, o.dataset, o.batch);
    const eki_examples examples = eki_stream_examples(&stream);
    ek_status status = eki_unfold(model, &o, o.dataset != NULL ? &examples : NULL, unfolded, report, err);
    eki_stream_close(&stream);
    return status;
}

ek_status ek_convert(ek_model *model, const ek_convert_options *options, ek_model **converted, ek_edit_report **report,
                     double *drift, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(converted, err);
    EKI_GIVEN(report, err);
    ek_convert_options o = ek_convert_options_default();
    *converted = NULL;
    *report = NULL;
    EKI_TRY(eki_options_take(&o, sizeof o, options, "ek_convert_options", err));
    eki_stream stream = stream_of(model, o.dataset, o.batch);
    const eki_examples examples = eki_stream_examples(&stream);
    ek_status status = eki_convert(model, &o, o.dataset != NULL ? &examples : NULL, converted, report, drift, err);
    eki_stream_close(&stream);
    return status;
}
