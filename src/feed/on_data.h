/* on_data.h: surgery that measures, on a data set. */
#ifndef EKI_ON_DATA_H
#define EKI_ON_DATA_H

#include "feed/feed.h"
#include "surgery/recalibrate.h"

/* ek_recalibrate on another view of the data (`how`: gain, offset, limit, shuffle); with `first_only` the norms that
 * stand behind no other are all there is. */
ek_status eki_recalibrate_on(ek_model *model, const ek_dataset *dataset, const ek_recalibrate_options *options,
                             const eki_feed_options *how, bool first_only, ek_recalibration **out, ek_error *err);

#endif
