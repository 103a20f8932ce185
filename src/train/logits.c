/* logits.c: what a classifier gives: one number for each class and example. */
#include "train/trainer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

ek_status eki_logits_head(const ek_model *model, const char *head, const eki_value **output, ek_error *err) {
    const eki_graph *graph = model->graph;
    char names[160] = "";
    size_t used = 0;
    if (graph->n_outputs == 0) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "the model has no output to take logits from");
    }
    *output = graph->outputs[0];
    if (head == NULL) return EK_OK;
    for (size_t i = 0; i < graph->n_outputs; i++) {
        *output = graph->outputs[i];
        if (strcmp((*output)->name, head) == 0) return EK_OK;
        int n = used < sizeof names
                    ? snprintf(names + used, sizeof names - used, "%s'%s'", i > 0 ? ", " : "", (*output)->name)
                    : 0;
        used += n > 0 ? (size_t)n : 0;
    }
    return eki_fail(err, EK_ERR_ARG, "head '%.200s' is no output of the model; it has %s", head, names);
}

/* The axis of the classes: all others but the first have extent 1, as behind a global pooling. */
static int class_axis(const eki_shape *shape) {
    int axis = 1;
    for (int i = 1; i < shape->rank; i++) axis = shape->dims[i] != 1 ? i : axis;
    for (int i = 1; i < shape->rank; i++) {
        if (i != axis && shape->dims[i] != 1) return -1;
    }
    return shape->rank < 2 ? -1 : axis;
}

ek_status eki_logits_classes(eki_exec *exec, int64_t rows, int64_t *classes, ek_error *err) {
    eki_view logits = eki_exec_output(exec, 0);
    int axis = class_axis(&logits.shape);
    char text[192];
    *classes = axis < 0 ? 0 : logits.shape.dims[axis];
    if (*classes > 0 && logits.shape.dims[0] == rows && logits.dtype == EK_F32) return EK_OK;
    return eki_fail(err, EK_ERR_SHAPE,
                    "the model's logits have shape %s; a classifier gives [examples, classes], here %" PRId64
                    " examples",
                    eki_shape_text(NULL, &logits.shape, text), rows);
}
