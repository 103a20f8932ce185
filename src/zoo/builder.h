/* builder.h: writing an architecture as a sequence of layers.
 *
 * A builder holds the current value and its extents; each call appends a layer. The first failure sticks: later calls
 * do nothing, and `status` reports it. Parameters are named as PyTorch names them, from the layer's name.
 */
#ifndef EKI_ZOO_BUILDER_H
#define EKI_ZOO_BUILDER_H

#include "model/model.h"

typedef struct eki_builder {
    eki_graph *graph;
    const ek_build_options *options;
    eki_value *x;    /* current value */
    int64_t c, h, w; /* its extents; h = 0: [N, c] */
    int units;       /* layers with a norm so far, for EK_PLACE_MIXED */
    ek_status status;
    ek_error *err;
} eki_builder;

/* The current value with its extents, to come back to (shortcuts). */
typedef struct eki_point {
    eki_value *x;
    int64_t c, h, w;
} eki_point;

typedef struct eki_conv_spec {
    int64_t out, kernel, stride, pad;
} eki_conv_spec;

void eki_build_conv(eki_builder *b, const char *name, eki_conv_spec spec, bool bias);
void eki_build_linear(eki_builder *b, const char *name, int64_t out, bool bias);
void eki_build_relu(eki_builder *b, const char *name);
/* Any node, and parameters "<layer>.<part>": constant, or normal with a deviation. The node's output is the current
 * value. For architectures that are no plain stack of layers. */
eki_node *eki_build_node(eki_builder *b, eki_opcode op, const char *name, eki_value *const *in, int n_in);
eki_value *eki_build_parameter(eki_builder *b, const char *layer, const char *part, eki_shape shape, float value);
eki_value *eki_build_normal(eki_builder *b, const char *layer, const char *part, eki_shape shape, double deviation);
eki_value *eki_build_integers(eki_builder *b, const char *name, const int64_t *values, int64_t count);
void eki_build_set_int(eki_builder *b, eki_node *node, const char *name, int64_t value);
void eki_build_set_ints(eki_builder *b, eki_node *node, const char *name, const int64_t *values, size_t count);
/* The norm of the options; named "<path><bn|ln|gn|in|rms><index>". `relu` names the activation that goes with it. */
void eki_build_norm(eki_builder *b, const char *path, const char *index);
bool eki_build_has_norm(ek_norm_kind kind);
/* conv -> norm -> relu, or conv -> relu -> norm, or conv -> relu, by the options. */
void eki_build_conv_unit(eki_builder *b, const char *path, const char *index, eki_conv_spec spec);
/* The same with a product; instance norm, which would give zeros here, is left out. */
void eki_build_linear_unit(eki_builder *b, const char *path, const char *name, const char *norm_index, int64_t out);
/* The activation of the options; `path` and `index` as for a norm. */
void eki_build_activation(eki_builder *b, const char *path, const char *index);
/* Norm and activation in the order of the options. */
void eki_build_norm_relu(eki_builder *b, const char *path, const char *index);
void eki_build_maxpool(eki_builder *b, const char *name, int64_t kernel);
void eki_build_global_average(eki_builder *b, const char *name);
void eki_build_flatten(eki_builder *b, const char *name);
void eki_build_add(eki_builder *b, const char *name, eki_point other);
void eki_build_classifier(eki_builder *b, const char *name); /* dropout, if any, and the last product: "logits" */

eki_point eki_build_point(const eki_builder *b);
void eki_build_go(eki_builder *b, eki_point point);
/* Whether a layer followed by the norm needs no bias of its own. */
bool eki_build_norm_follows(const eki_builder *b);

/* ---- architectures: one row each in build.c, one file each ---- */
void eki_build_mlp(eki_builder *b);
void eki_build_lenet(eki_builder *b);
void eki_build_cnn6(eki_builder *b);
void eki_build_resnet20(eki_builder *b);
void eki_build_encoder(eki_builder *b);

#endif
