/* select.h: which norms or parameters a pattern means; the forms are in select.c. */
#ifndef EKI_MODEL_SELECT_H
#define EKI_MODEL_SELECT_H

#include "model/model.h"

/* Whether a glob matches the norm's node name, first output or scale-initializer stem. */
bool eki_norm_matches(const char *glob, const ek_model_norm *info);

/* Sets chosen[i] for every norm of the model. None may match. EK_ERR_ARG: a place or count that is none. */
ek_status eki_select_norms(const ek_model *model, const char *pattern, bool *chosen, ek_error *err);

/* Sets chosen[id] for every value: f32 initializers with at least one dimension. EK_ERR_ARG: nothing matches. */
ek_status eki_select_values(const ek_model *model, const char *pattern, bool *chosen, ek_error *err);

/* Marks the values that `name` is computed from, itself included; malloc'ed, by value id. */
ek_status eki_select_upstream(const ek_model *model, const char *name, bool **marks, ek_error *err);

#endif
