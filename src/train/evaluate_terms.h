/* evaluate_terms.h: evaluation by losses as training has them. */
#ifndef EKI_EVALUATE_TERMS_H
#define EKI_EVALUATE_TERMS_H

#include "train/objective.h"

/* ek_evaluate with options->terms. */
ek_status eki_evaluate_terms(const ek_model *model, const ek_dataset *dataset, const ek_eval_options *options,
                             ek_eval_result *result, ek_error *err);

#endif
