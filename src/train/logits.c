/* logits.c: what a classifier gives: one number for each class and example. */
#include "train/trainer.h"

#include <inttypes.h>

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
