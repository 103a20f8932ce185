/* wide.h: the loss of a built model in f64, over a whole batch, as plainly as it can be written: what gradients are
 * held against. Knows Conv, BatchNormalization (batch statistics), Tanh, GlobalAveragePool, Flatten and Gemm. */
#ifndef EK_TEST_WIDE_H
#define EK_TEST_WIDE_H

#include "model/model.h"

typedef struct wide_array {
    double *data;
    int rank;
    int64_t dims[8];
} wide_array;

typedef struct wide_net {
    const eki_graph *graph;
    wide_array *values; /* by id; those of initializers are set once and may be changed */
} wide_net;

void wide_make(wide_net *net, const ek_model *model);
void wide_free(wide_net *net);
wide_array *wide_parameter(wide_net *net, const char *name);
/* Mean cross-entropy of `count` images (count x the model's channels x extent x extent). */
double wide_loss(wide_net *net, const float *images, const int32_t *labels, int64_t count, int extent);

#endif
