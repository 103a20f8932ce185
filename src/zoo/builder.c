/* builder.c: layers as ONNX nodes with initial weights.
 *
 * Weights are He-normal, deviation sqrt(2 / fan-in) (He et al. 2015), drawn from counter-based numbers keyed by seed
 * and parameter name: the weights of a layer do not depend on which other layers there are. Scales begin at 1, biases
 * and running means at 0, running variances at 1.
 */
#include "zoo/builder.h"

#include "base/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool stop(eki_builder *b, ek_status status) {
    if (b->status == EK_OK) b->status = status;
    return b->status != EK_OK;
}

/* An initializer "<layer>.<part>", every element `value`. */
static eki_value *add_parameter(eki_builder *b, const char *layer, const char *part, eki_shape shape, float value) {
    char name[128];
    eki_value *result = NULL;
    int64_t count = 0;
    if (b->status != EK_OK) return NULL;
    (void)snprintf(name, sizeof name, "%s.%s", layer, part);
    if (stop(b, eki_graph_add_tensor(b->graph, name, EK_F32, &shape, &result, b->err))) return NULL;
    (void)eki_shape_count(&shape, &count);
    float *data = result->init->data;
    for (int64_t i = 0; i < count; i++) data[i] = value;
    return result;
}

eki_value *eki_build_parameter(eki_builder *b, const char *layer, const char *part, eki_shape shape, float value) {
    return add_parameter(b, layer, part, shape, value);
}

eki_value *eki_build_normal(eki_builder *b, const char *layer, const char *part, eki_shape shape, double deviation) {
    eki_value *result = add_parameter(b, layer, part, shape, 0.0F);
    int64_t count = 0;
    if (result == NULL) return NULL;
    (void)eki_shape_count(&shape, &count);
    eki_random random = eki_random_stream(b->options->seed, "init", eki_hash_text(result->name), 0);
    float *data = result->init->data;
    for (int64_t i = 0; i < count; i++) data[i] = (float)(deviation * eki_random_normal(random, (uint64_t)i));
    return result;
}

static eki_value *add_weight(eki_builder *b, const char *layer, eki_shape shape) {
    int64_t fan_in = 1;
    for (int i = 1; i < shape.rank; i++) fan_in *= shape.dims[i];
    return eki_build_normal(b, layer, "weight", shape, sqrt(2.0 / (double)fan_in));
}

eki_value *eki_build_integers(eki_builder *b, const char *name, const int64_t *values, int64_t count) {
    eki_shape shape = eki_shape_of(1, &count);
    eki_value *result = NULL;
    if (b->status != EK_OK || stop(b, eki_graph_add_tensor(b->graph, name, EK_I64, &shape, &result, b->err)))
        return NULL;
    memcpy(result->init->data, values, (size_t)count * sizeof *values);
    return result;
}

/* Appends a node; its output becomes the current value. NULL inputs at the end are left out. */
static eki_node *add_node(eki_builder *b, eki_opcode op, const char *name, eki_value *const *in, int n_in) {
    char output[128];
    eki_node *node = NULL;
    eki_value *out = NULL;
    if (b->status != EK_OK) return NULL;
    while (n_in > 0 && in[n_in - 1] == NULL) n_in--;
    (void)snprintf(output, sizeof output, "%s.out", name);
    if (stop(b, eki_graph_value(b->graph, output, &out, b->err))) return NULL;
    if (stop(b, eki_graph_add_op(b->graph, op, name, in, n_in, &out, 1, &node, b->err))) return NULL;
    b->x = out;
    return node;
}

eki_node *eki_build_node(eki_builder *b, eki_opcode op, const char *name, eki_value *const *in, int n_in) {
    return add_node(b, op, name, in, n_in);
}

void eki_build_set_ints(eki_builder *b, eki_node *node, const char *name, const int64_t *values, size_t count) {
    if (b->status == EK_OK) (void)stop(b, eki_node_set_ints(b->graph, node, name, values, count, b->err));
}

static void set_ints(eki_builder *b, eki_node *node, const char *name, int64_t value, size_t count) {
    int64_t values[4] = {value, value, value, value};
    if (b->status == EK_OK) (void)stop(b, eki_node_set_ints(b->graph, node, name, values, count, b->err));
}

static void set_int(eki_builder *b, eki_node *node, const char *name, int64_t value) {
    if (b->status == EK_OK) (void)stop(b, eki_node_set_int(b->graph, node, name, value, b->err));
}

void eki_build_set_int(eki_builder *b, eki_node *node, const char *name, int64_t value) {
    set_int(b, node, name, value);
}

static void set_float(eki_builder *b, eki_node *node, const char *name, double value) {
    if (b->status == EK_OK) (void)stop(b, eki_node_set_float(b->graph, node, name, (float)value, b->err));
}

static bool shrink(eki_builder *b, const char *name, int64_t *extent, int64_t kernel, int64_t stride, int64_t pad) {
    int64_t room = *extent + 2 * pad - kernel;
    if (b->status != EK_OK) return false;
    if (*extent < 1 || room < 0) {
        (void)stop(b, eki_fail(b->err, EK_ERR_SHAPE,
                               "an input of %d x %d is too small for architecture %s: at layer %s an extent of %" PRId64
                               " meets a window of %" PRId64 "; use larger images or architecture mlp",
                               b->options->height, b->options->width, b->options->architecture, name, *extent, kernel));
        return false;
    }
    *extent = room / stride + 1;
    return true;
}

void eki_build_conv(eki_builder *b, const char *name, eki_conv_spec spec, bool bias) {
    int64_t dims[4] = {spec.out, b->c, spec.kernel, spec.kernel};
    if (!shrink(b, name, &b->h, spec.kernel, spec.stride, spec.pad)) return;
    if (!shrink(b, name, &b->w, spec.kernel, spec.stride, spec.pad)) return;
    eki_value *in[3] = {b->x, add_weight(b, name, eki_shape_of(4, dims)), NULL};
    if (bias) in[2] = add_parameter(b, name, "bias", eki_shape_of(1, dims), 0.0F);
    eki_node *node = add_node(b, EKI_OP_Conv, name, in, 3);
    set_ints(b, node, "kernel_shape", spec.kernel, 2);
    set_ints(b, node, "strides", spec.stride, 2);
    set_ints(b, node, "pads", spec.pad, 4);
    b->c = spec.out;
}

void eki_build_linear(eki_builder *b, const char *name, int64_t out, bool bias) {
    int64_t dims[2] = {out, b->c};
    eki_value *in[3] = {b->x, add_weight(b, name, eki_shape_of(2, dims)), NULL};
    if (bias) in[2] = add_parameter(b, name, "bias", eki_shape_of(1, dims), 0.0F);
    set_int(b, add_node(b, EKI_OP_Gemm, name, in, 3), "transB", 1);
    b->c = out;
}

void eki_build_relu(eki_builder *b, const char *name) { (void)add_node(b, EKI_OP_Relu, name, &b->x, 1); }

static int64_t groups_for(int64_t channels, int64_t groups) {
    if (groups > channels) groups = channels;
    while (channels % groups != 0) groups--;
    return groups;
}

static void build_batch_norm(eki_builder *b, const char *name) {
    eki_shape shape = eki_shape_of(1, &b->c);
    eki_value *in[5] = {b->x, add_parameter(b, name, "scale", shape, 1.0F), add_parameter(b, name, "bias", shape, 0.0F),
                        add_parameter(b, name, "running_mean", shape, 0.0F),
                        add_parameter(b, name, "running_var", shape, 1.0F)};
    eki_node *node = add_node(b, EKI_OP_BatchNormalization, name, in, 5);
    set_float(b, node, "epsilon", b->options->epsilon);
    set_float(b, node, "momentum", b->options->momentum);
}

/* Layer and RMS norm over all of an example, with one scale (and bias) per channel; over the features of [N,C]. */
static void build_layer_norm(eki_builder *b, const char *name, bool rms) {
    int64_t dims[3] = {b->c, 1, 1};
    eki_shape shape = eki_shape_of(b->h > 0 ? 3 : 1, dims);
    eki_value *in[3] = {b->x, add_parameter(b, name, "scale", shape, 1.0F), NULL};
    if (!rms) in[2] = add_parameter(b, name, "bias", shape, 0.0F);
    eki_node *node = add_node(b, rms ? EKI_OP_RMSNormalization : EKI_OP_LayerNormalization, name, in, 3);
    set_int(b, node, "axis", b->h > 0 ? 1 : -1);
    set_float(b, node, "epsilon", b->options->epsilon);
}

static void build_channel_norm(eki_builder *b, const char *name, bool group) {
    eki_shape shape = eki_shape_of(1, &b->c);
    eki_value *in[3] = {b->x, add_parameter(b, name, "scale", shape, 1.0F),
                        add_parameter(b, name, "bias", shape, 0.0F)};
    eki_node *node = add_node(b, group ? EKI_OP_GroupNormalization : EKI_OP_InstanceNormalization, name, in, 3);
    if (group) set_int(b, node, "num_groups", groups_for(b->c, b->options->groups));
    set_float(b, node, "epsilon", b->options->epsilon);
}

static void build_layer(eki_builder *b, const char *name) { build_layer_norm(b, name, false); }
static void build_rms(eki_builder *b, const char *name) { build_layer_norm(b, name, true); }
static void build_group(eki_builder *b, const char *name) { build_channel_norm(b, name, true); }
static void build_instance(eki_builder *b, const char *name) { build_channel_norm(b, name, false); }

/* The norms that architectures have: those with an operator. */
static const struct {
    ek_norm_kind kind;
    const char *prefix; /* of the names of its nodes */
    void (*build)(eki_builder *b, const char *name);
} norms[] = {{EK_NORM_BATCH, "bn", build_batch_norm},
             {EK_NORM_LAYER, "ln", build_layer},
             {EK_NORM_GROUP, "gn", build_group},
             {EK_NORM_INSTANCE, "in", build_instance},
             {EK_NORM_RMS, "rms", build_rms}};
enum { NORMS = sizeof norms / sizeof norms[0] };

static size_t find_norm(ek_norm_kind kind) {
    size_t i = 0;
    while (i < NORMS && norms[i].kind != kind) i++;
    return i;
}

bool eki_build_has_norm(ek_norm_kind kind) { return find_norm(kind) < NORMS; }

void eki_build_norm(eki_builder *b, const char *path, const char *index) {
    char name[96];
    size_t at = find_norm(b->options->norm);
    (void)snprintf(name, sizeof name, "%s%s%s", path, norms[at].prefix, index);
    norms[at].build(b, name);
}

static bool norm_before(const eki_builder *b) {
    return b->options->place == EK_PLACE_BEFORE || (b->options->place == EK_PLACE_MIXED && b->units % 2 == 0);
}

bool eki_build_norm_follows(const eki_builder *b) { return b->options->norm != 0 && norm_before(b); }

void eki_build_activation(eki_builder *b, const char *path, const char *index) {
    eki_opcode op = EKI_OP_Relu;
    const char *prefix = "relu";
    char name[96];
    if (b->options->activation == EK_ACTIVATION_SIGMOID) {
        op = EKI_OP_Sigmoid;
        prefix = "sigmoid";
    } else if (b->options->activation == EK_ACTIVATION_TANH) {
        op = EKI_OP_Tanh;
        prefix = "tanh";
    }
    (void)snprintf(name, sizeof name, "%s%s%s", path, prefix, index);
    (void)add_node(b, op, name, &b->x, 1);
}

void eki_build_norm_relu(eki_builder *b, const char *path, const char *index) {
    bool norm = b->options->norm != 0, before = norm_before(b);
    if (norm && before) eki_build_norm(b, path, index);
    eki_build_activation(b, path, index);
    if (norm && !before) eki_build_norm(b, path, index);
    b->units++;
}

void eki_build_conv_unit(eki_builder *b, const char *path, const char *index, eki_conv_spec spec) {
    char name[96];
    (void)snprintf(name, sizeof name, "%sconv%s", path, index);
    eki_build_conv(b, name, spec, !eki_build_norm_follows(b));
    eki_build_norm_relu(b, path, index);
}

void eki_build_linear_unit(eki_builder *b, const char *path, const char *name, const char *norm_index, int64_t out) {
    char layer[96];
    bool norm = b->options->norm != EK_NORM_INSTANCE;
    (void)snprintf(layer, sizeof layer, "%s%s", path, name);
    eki_build_linear(b, layer, out, !(norm && eki_build_norm_follows(b)));
    if (norm) {
        eki_build_norm_relu(b, path, norm_index);
    } else {
        eki_build_activation(b, path, norm_index);
    }
}

void eki_build_maxpool(eki_builder *b, const char *name, int64_t kernel) {
    if (!shrink(b, name, &b->h, kernel, kernel, 0) || !shrink(b, name, &b->w, kernel, kernel, 0)) return;
    eki_node *node = add_node(b, EKI_OP_MaxPool, name, &b->x, 1);
    set_ints(b, node, "kernel_shape", kernel, 2);
    set_ints(b, node, "strides", kernel, 2);
}

/* The mean of a channel that was just normalized by itself is its bias, whatever the input: nothing is left. */
static bool averages_to_bias(const eki_builder *b) {
    const ek_build_options *o = b->options;
    if (o->place == EK_PLACE_BEFORE) return false;
    return o->norm == EK_NORM_INSTANCE || (o->norm == EK_NORM_GROUP && groups_for(b->c, o->groups) == b->c);
}

void eki_build_global_average(eki_builder *b, const char *name) {
    if (b->status == EK_OK && averages_to_bias(b)) {
        (void)stop(b, eki_fail(b->err, EK_ERR_ARG,
                               "architecture %s averages each channel after the last norm; with the norm after the "
                               "activation and one channel per set that average is the bias for every image; place the "
                               "norm before the activation",
                               b->options->architecture));
        return;
    }
    (void)add_node(b, EKI_OP_GlobalAveragePool, name, &b->x, 1);
    b->h = b->w = 1;
}

void eki_build_flatten(eki_builder *b, const char *name) {
    set_int(b, add_node(b, EKI_OP_Flatten, name, &b->x, 1), "axis", 1);
    b->c *= b->h * b->w;
    b->h = b->w = 0;
}

void eki_build_add(eki_builder *b, const char *name, eki_point other) {
    eki_value *in[2] = {b->x, other.x};
    (void)add_node(b, EKI_OP_Add, name, in, 2);
}

void eki_build_classifier(eki_builder *b, const char *name) {
    if (b->options->dropout > 0) {
        eki_value *in[2] = {b->x,
                            add_parameter(b, "dropout", "ratio", (eki_shape){.rank = 0}, (float)b->options->dropout)};
        (void)add_node(b, EKI_OP_Dropout, "dropout", in, 2);
    }
    eki_build_linear(b, name, b->options->classes, true);
}

eki_point eki_build_point(const eki_builder *b) { return (eki_point){b->x, b->c, b->h, b->w}; }

void eki_build_go(eki_builder *b, eki_point point) {
    b->x = point.x;
    b->c = point.c;
    b->h = point.h;
    b->w = point.w;
}
