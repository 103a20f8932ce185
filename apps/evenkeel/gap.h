/* gap.h: the likely cause of a gap between training and inference, as text and as JSON. */
#ifndef EK_TOOL_GAP_H
#define EK_TOOL_GAP_H

#include "command.h"
#include "report/json_out.h"

#include <evenkeel/doctor.h>

/* Opens --data and measures; ek_diagnosis_free afterwards. */
EK_NODISCARD ek_status gap_measure(const arguments *args, const ek_model *model, ek_diagnosis *d, ek_error *err);
int gap_found(const ek_diagnosis *d); /* 1 = a cause is named */
void gap_show(const ek_diagnosis *d);
void gap_put(eki_json *json, const ek_diagnosis *d); /* an object "data" */

#endif
