/* model.h: what is behind ek_model. */
#ifndef EKI_MODEL_H
#define EKI_MODEL_H

#include "graph/exec.h"

#include <evenkeel/session.h>

/* The norms of a graph, found once per change; index = ek_model_norm_get's. */
typedef struct eki_norm_ref {
    eki_node *node;
    ek_model_norm info;
} eki_norm_ref;

struct ek_model {
    eki_graph *graph;
    size_t n_norms;
    eki_norm_ref *norms;
};

/* Wraps a graph (takes it over) and indexes its norms. */
ek_status eki_model_wrap(eki_graph *graph, ek_model **model, ek_error *err);

/* Norm switches (EKI_NORM_* bits) per node id from the freeze metadata; malloc'ed, n_nodes bytes, for eki_exec. */
ek_status eki_model_switches(const ek_model *model, uint8_t **switches, ek_error *err);

/* The value that holds the logits (see ek_model_logits); NULL when the model has no output. */
const eki_value *eki_model_logits_value(const ek_model *model);

#endif
