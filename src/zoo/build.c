/* build.c: the built-in architectures: the table, the options' checks, and the frame (input, output, opset) that each
 * architecture fills. The opset is the lowest that has the norm's operator: 17, 21 with group norm, 23 with RMS norm.
 */
#include "base/options.h"
#include "zoo/builder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct architecture_row {
    ek_architecture public_part;
    void (*build)(eki_builder *b);
} architecture_row;

static const architecture_row rows[] = {
    {{"mlp", "three hidden layers of 100 units", 1, 28, 28}, eki_build_mlp},
    {{"lenet", "LeNet-5 with ReLU and max pooling", 1, 28, 28}, eki_build_lenet},
    {{"cnn6", "six 3x3 convolutions and global average pooling", 3, 32, 32}, eki_build_cnn6},
    {{"resnet20", "ResNet-20 for CIFAR, basic blocks, projection shortcuts", 3, 32, 32}, eki_build_resnet20},
    {{"encoder", "two transformer blocks over the rows of an image, padding masked", 1, 28, 28}, eki_build_encoder},
};

enum { ROWS = sizeof rows / sizeof *rows, EXTENT_MAX = 1 << 14, CLASSES_MAX = 1 << 20, DEPTH_MAX = 1000 };

size_t ek_architecture_count(void) { return ROWS; }

const ek_architecture *ek_architecture_get(size_t index) { return index < ROWS ? &rows[index].public_part : NULL; }

static const architecture_row *find_row(const char *name) {
    for (size_t i = 0; name != NULL && i < ROWS; i++) {
        if (strcmp(rows[i].public_part.name, name) == 0) return &rows[i];
    }
    return NULL;
}

ek_build_options ek_build_options_default(const char *architecture) {
    const architecture_row *row = find_row(architecture);
    const ek_architecture *meant = row != NULL ? &row->public_part : &rows[0].public_part;
    return (ek_build_options){.struct_size = sizeof(ek_build_options),
                              .architecture = architecture,
                              .channels = meant->channels,
                              .height = meant->height,
                              .width = meant->width,
                              .classes = 10,
                              .norm = EK_NORM_BATCH,
                              .groups = 8,
                              .place = EK_PLACE_BEFORE,
                              .epsilon = 1e-5,
                              .momentum = 0.9,
                              .seed = 1,
                              .activation = EK_ACTIVATION_RELU};
}

static ek_status fail_unknown(const char *name, ek_error *err) {
    char list[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < ROWS; i++) {
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", rows[i].public_part.name);
    }
    return eki_fail(err, EK_ERR_ARG, "there is no architecture '%s'; the built-in ones are %s",
                    name == NULL ? "" : name, list);
}

static bool in_range(double value, double low, double high) { return value >= low && value <= high; }

/* What some architectures do not have. */
static ek_status check_special(const ek_build_options *o, ek_error *err) {
    bool stack = strcmp(o->architecture, "resnet20") != 0 && strcmp(o->architecture, "encoder") != 0;
    if (o->activation != EK_ACTIVATION_RELU && o->activation != EK_ACTIVATION_SIGMOID &&
        o->activation != EK_ACTIVATION_TANH) {
        return eki_fail(err, EK_ERR_ARG, "activation = %d is none of RELU (%d), SIGMOID (%d), TANH (%d)",
                        (int)o->activation, EK_ACTIVATION_RELU, EK_ACTIVATION_SIGMOID, EK_ACTIVATION_TANH);
    }
    if (!stack && (o->activation != EK_ACTIVATION_RELU || o->place == EK_PLACE_MIXED)) {
        return eki_fail(err, EK_ERR_ARG,
                        "architecture %s has ReLU and one place for its norms; activation and place MIXED go with mlp, "
                        "lenet and cnn6",
                        o->architecture);
    }
    if (strcmp(o->architecture, "encoder") == 0 &&
        (o->norm == EK_NORM_INSTANCE || (o->norm == EK_NORM_GROUP && o->groups > 16))) {
        return eki_fail(err, EK_ERR_ARG,
                        "architecture encoder averages each feature over the tokens after the last norm; with one "
                        "feature per set that average is the bias for every image; use layer norm, or fewer groups");
    }
    if ((o->hidden_layers != 0 || o->hidden_units != 0) && strcmp(o->architecture, "mlp") != 0) {
        return eki_fail(err, EK_ERR_ARG, "hidden_layers and hidden_units go with architecture mlp; %s has its own",
                        o->architecture);
    }
    if (!in_range(o->hidden_layers, 0, DEPTH_MAX) || !in_range(o->hidden_units, 0, EXTENT_MAX)) {
        return eki_fail(err, EK_ERR_ARG, "hidden_layers = %d and hidden_units = %d must be in 0 to %d and 0 to %d",
                        o->hidden_layers, o->hidden_units, DEPTH_MAX, EXTENT_MAX);
    }
    return EK_OK;
}

static ek_status check_options(const ek_build_options *o, ek_error *err) {
    if (!in_range(o->channels, 1, EXTENT_MAX) || !in_range(o->height, 1, EXTENT_MAX) ||
        !in_range(o->width, 1, EXTENT_MAX)) {
        return eki_fail(err, EK_ERR_ARG, "an input of %d x %d x %d is out of range: each extent must be 1 to %d",
                        o->channels, o->height, o->width, EXTENT_MAX);
    }
    if (!in_range(o->classes, 1, CLASSES_MAX)) {
        return eki_fail(err, EK_ERR_ARG, "classes = %d is out of range: 1 to %d", o->classes, CLASSES_MAX);
    }
    if (o->norm != 0 && !eki_build_has_norm(o->norm)) {
        return eki_fail(err, EK_ERR_ARG, "norm = %d is none of 0 (none) to %d (RMS)", (int)o->norm, EK_NORM_RMS);
    }
    if (o->norm == EK_NORM_GROUP && o->groups < 1) {
        return eki_fail(err, EK_ERR_ARG, "groups = %lld must be at least 1", (long long)o->groups);
    }
    if (o->place != EK_PLACE_BEFORE && o->place != EK_PLACE_AFTER && o->place != EK_PLACE_MIXED) {
        return eki_fail(err, EK_ERR_ARG, "place = %d is none of BEFORE (0), AFTER (1), MIXED (2)", (int)o->place);
    }
    if (!isfinite(o->epsilon) || o->epsilon < 0) {
        return eki_fail(err, EK_ERR_ARG, "epsilon = %g must be finite and not negative", o->epsilon);
    }
    if (!in_range(o->momentum, 0, 1)) {
        return eki_fail(err, EK_ERR_ARG, "momentum = %g must be in [0, 1]", o->momentum);
    }
    if (!(o->dropout >= 0 && o->dropout < 1)) {
        return eki_fail(err, EK_ERR_ARG, "dropout = %g must be in [0, 1)", o->dropout);
    }
    if (o->norm == EK_NORM_INSTANCE && strcmp(o->architecture, "mlp") == 0) {
        return eki_fail(err, EK_ERR_ARG,
                        "instance norm in architecture mlp would give zeros: its sets are the places of one channel of "
                        "one example, and a product's output has one place; use layer norm, or architecture lenet");
    }
    return check_special(o, err);
}

static ek_status begin(eki_builder *b, ek_error *err) {
    const ek_build_options *o = b->options;
    int64_t dims[4] = {0, o->channels, o->height, o->width};
    EKI_TRY(eki_graph_symbol(b->graph, "N", &dims[0], err));
    EKI_TRY(eki_graph_value(b->graph, "input", &b->x, err));
    b->x->dtype = EK_F32;
    b->x->shape = eki_shape_of(4, dims);
    b->c = o->channels;
    b->h = o->height;
    b->w = o->width;
    b->graph->name = eki_arena_strdup(&b->graph->arena, o->architecture);
    if (b->graph->name == NULL) return eki_fail_nomem(err, strlen(o->architecture));
    return eki_graph_add_input(b->graph, b->x, err);
}

/* The last value becomes the output "logits". */
static ek_status finish(eki_builder *b, ek_error *err) {
    eki_node *last = b->x->producer;
    eki_value *logits;
    if (b->status != EK_OK) return b->status;
    EKI_TRY(eki_graph_value(b->graph, "logits", &logits, err));
    last->out[0]->producer = NULL;
    last->out[0] = logits;
    logits->producer = last;
    logits->dtype = EK_F32;
    logits->shape = eki_shape_of(2, (int64_t[2]){0, b->options->classes});
    EKI_TRY(eki_graph_symbol(b->graph, "N", &logits->shape.dims[0], err));
    EKI_TRY(eki_graph_add_output(b->graph, logits, err));
    int64_t needed = eki_opset_needed(b->graph);
    if (needed < EKI_OPSET_MIN) needed = EKI_OPSET_MIN;
    EKI_TRY(eki_opset_declare(b->graph, needed, err));
    b->graph->ir_version = eki_ir_version_for(needed);
    return eki_graph_infer(b->graph, NULL, err);
}

ek_status ek_model_build(const ek_build_options *options, ek_model **model, ek_error *err) {
    EKI_GIVEN(options, err);
    EKI_GIVEN(model, err);
    ek_build_options o = ek_build_options_default(options->architecture);
    EKI_TRY(eki_options_take(&o, sizeof o, options, "ek_build_options", err));
    const architecture_row *row = find_row(o.architecture);
    eki_builder b = {.options = &o, .err = err};
    *model = NULL;
    if (row == NULL) return fail_unknown(o.architecture, err);
    EKI_TRY(check_options(&o, err));
    EKI_TRY(eki_graph_create(EKI_OPSET_MIN, &b.graph, err));
    ek_status status = begin(&b, err);
    if (status == EK_OK) {
        row->build(&b);
        status = finish(&b, err);
    }
    if (status != EK_OK) {
        eki_graph_destroy(b.graph);
        return status;
    }
    return eki_model_wrap(b.graph, model, err);
}
