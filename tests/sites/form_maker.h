/* form_maker.h: norms that are one node, of every kind that can be written out, at any opset and in float16, with what
 * each computes.
 */
#ifndef FORM_MAKER_H
#define FORM_MAKER_H

#include "norm_spec.h"

#include "onnx/onnx.h"

typedef enum form {
    FORM_LAYER = 0,
    FORM_LAYER_WIDE, /* over three axes */
    FORM_RMS,
    FORM_INSTANCE,
    FORM_INSTANCE_ROWS, /* of rank 3 */
    FORM_GROUP,
    FORM_MEAN_VARIANCE,
    FORM_SKIP_LAYER, /* onnxruntime's, with sums in front, and the sum read */
    FORM_SKIP_RMS,
    FORM_GROUP_LAST, /* onnxruntime's, of channels-last images, with a swish */
    FORMS
} form;

typedef struct form_case {
    char label[100];
    eki_graph *graph; /* input "x", with a skip "skip"; outputs "y" and, with a skip, "sum" */
    norm_spec spec;   /* of y, without the swish where it is one of its own nodes */
    double x[SPEC_ELEMENTS], skip[SPEC_ELEMENTS];
    bool half, has_skip, contrib;
} form_case;

/* False: the opset has no such norm. */
bool form_make(form kind, int64_t opset, bool half, form_case *c);
/* A layer norm of opset 17 that is written out in float16 without a Cast, with x so far from its mean that the square
 * overflows. With `square`, the output is the square, in float16. */
void form_make_overflow(bool square, form_case *c);
void form_destroy(form_case *c);

#endif
