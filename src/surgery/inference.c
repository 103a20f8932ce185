/* inference.c: batch norms that a file has in training mode (an export while training), into inference mode. */
#include "surgery/raise_opset.h"
#include "surgery/surgery.h"

#include <stdio.h>

typedef struct switches {
    size_t changed, kept;
    ek_error first; /* why one had to stay as it is */
} switches;

static ek_status visit(void *context, eki_graph *graph, ek_error *err) {
    (void)err;
    switches *s = context;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        eki_node *node = graph->nodes[i];
        ek_error why;
        if (node->op != EKI_OP_BatchNormalization || !eki_bn_trains(graph, node)) continue;
        if (eki_batch_norm_infers(graph, node, &why) == EK_OK) {
            s->changed++;
        } else if (s->kept++ == 0) {
            s->first = why;
        }
    }
    return EK_OK;
}

ek_status ek_set_inference(ek_model *model, size_t *changed, ek_error *err) {
    EKI_GIVEN(model, err);
    switches s = {0};
    EKI_TRY(eki_graph_each(model->document, visit, &s, err));
    if (changed != NULL) *changed = s.changed;
    if (s.changed > 0) EKI_TRY(eki_model_rebuild(model, err));
    if (s.kept == 0) return EK_OK;
    return eki_fail(err, EK_ERR_UNSUPPORTED, "%zu batch norms stay in training mode: %s", s.kept, s.first.text);
}
