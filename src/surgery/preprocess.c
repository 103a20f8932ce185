/* preprocess.c: preprocessing into the file, so that another runtime that is fed pixels gives eval's answer.
 *
 * The old input stays as a value, made of the new one by nodes in front, so that everything that read it keeps its
 * bytes. What the file said of it goes into the metadata, from where eki_strip_preprocess has it again.
 */
#include "surgery/preprocess.h"

#include "base/options.h"

#include <stdio.h>
#include <string.h>

enum { LARGEST_SIDE = 16384 };

typedef struct plan {
    ek_preprocess_options options;
    eki_preparation preparation;
    float mean[EK_MAX_CHANNELS], std[EK_MAX_CHANNELS];
    const char *input, *output; /* names in the document; output NULL = it stays */
} plan;

ek_preprocess_options ek_preprocess_options_default(void) {
    return (ek_preprocess_options){.struct_size = sizeof(ek_preprocess_options), .pixels = EK_PIXELS_U8_NHWC};
}

static ek_status check_options(const ek_preprocess_options *o, ek_error *err) {
    if (o->pixels < EK_PIXELS_U8_NHWC || o->pixels > EK_PIXELS_FLOAT) {
        return eki_fail(err, EK_ERR_ARG, "pixels = %d is none of EK_PIXELS_...", (int)o->pixels);
    }
    if (o->channels != 0 && o->channels != 1 && o->channels != 3) {
        return eki_fail(err, EK_ERR_ARG, "channels = %d: pixels are gray (1) or RGB (3); 0 = as the model has them",
                        o->channels);
    }
    if (o->height < 0 || o->width < 0 || (o->height == 0) != (o->width == 0) || o->height > LARGEST_SIDE ||
        o->width > LARGEST_SIDE) {
        return eki_fail(err, EK_ERR_ARG, "height %d and width %d: give both, from 1 to %d, or neither", o->height,
                        o->width, (int)LARGEST_SIDE);
    }
    return EK_OK;
}

static ek_status check_model(const ek_model *model, ek_error *err) {
    ek_tensor_info input = ek_model_input(model, 0);
    EKI_TRY(eki_refuse_preprocessed(model->document, "no second one can be put before it", err));
    if (ek_model_input_count(model) != 1 || input.rank != 4 || input.dtype != EK_F32) {
        return eki_fail(err, EK_ERR_UNSUPPORTED,
                        "preprocessing of images needs a model with one float input of rank 4, [N,C,H,W] or [N,H,W,C]; "
                        "this one has %zu inputs, the first of rank %d (%s)",
                        ek_model_input_count(model), input.rank, eki_dtype_name(input.dtype));
    }
    if (ek_model_opset(model) >= 11) return EK_OK;
    return eki_fail(err, EK_ERR_UNSUPPORTED,
                    "opset %lld has no Range, by which a resize of images of any size is computed (opset 11 has); "
                    "evenkeel convert --opset 17 raises the file first",
                    (long long)ek_model_opset(model));
}

/* As predict reads the file: size and channels, mean and deviation. */
static ek_status plan_images(const ek_model *model, plan *p, ek_error *err) {
    ek_model_images images;
    eki_preparation *to = &p->preparation;
    EKI_TRY(ek_model_describe_images(model, &images, err));
    if (images.channels == 0) images.channels = 3;
    if (images.channels != 1 && images.channels != 3) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "the model takes images of %d channels, but pixels are gray or RGB",
                        images.channels);
    }
    bool open = images.height == 0 || images.width == 0;
    bool other = images.height != p->options.height || images.width != p->options.width;
    if (p->options.height == 0 && open) {
        return eki_fail(err, EK_ERR_ARG, "the model does not say how large its images are; --size HxW does");
    }
    if (p->options.height != 0 && !open && other) {
        return eki_fail(err, EK_ERR_SHAPE, "the model takes images of %dx%d, not %dx%d; any size is resized to that",
                        images.height, images.width, p->options.height, p->options.width);
    }
    *to = (eki_preparation){.pixels = p->options.pixels, .channels = images.channels};
    to->taken = p->options.channels != 0 ? p->options.channels : images.channels;
    to->height = open ? p->options.height : images.height;
    to->width = open ? p->options.width : images.width;
    to->channels_last = images.channels_last;
    to->mean = p->mean;
    to->std = p->std;
    return eki_model_moments(model, images.channels, p->mean, p->std, err);
}

static ek_status plan_output(const ek_model *model, plan *p, ek_error *err) {
    const eki_value *logits = eki_model_logits_value(model);
    if (!p->options.probabilities || logits == NULL || !logits->is_output) return EK_OK; /* it ends in a Softmax */
    if (eki_graph_find(model->document, logits->name) == NULL) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "the file has no value '%.200s' to put a Softmax behind",
                        logits->name);
    }
    p->output = logits->name;
    return EK_OK;
}

/* "name", or with a number where that is taken. */
static ek_status new_value(eki_graph *graph, const char *stem, eki_value **value, ek_error *err) {
    char name[64];
    (void)snprintf(name, sizeof name, "%s", stem);
    for (int i = 2; eki_graph_find(graph, name) != NULL; i++) (void)snprintf(name, sizeof name, "%s_%d", stem, i);
    return eki_graph_value(graph, name, value, err);
}

static ek_status new_symbol(eki_graph *graph, const char *stem, int64_t *dim, ek_error *err) {
    char name[64];
    size_t before = graph->n_symbols;
    (void)snprintf(name, sizeof name, "%s", stem);
    EKI_TRY(eki_graph_symbol(graph, name, dim, err));
    for (int i = 2; graph->n_symbols == before; i++) {
        (void)snprintf(name, sizeof name, "%s_%d", stem, i);
        EKI_TRY(eki_graph_symbol(graph, name, dim, err));
    }
    return EK_OK;
}

/* The new input: as many images as the old one took. */
static ek_status add_pixels(eki_graph *graph, const plan *p, const eki_value *input, eki_value **pixels,
                            ek_error *err) {
    int64_t height, width, channels = p->preparation.taken, batch = input->shape.dims[0];
    EKI_TRY(new_symbol(graph, "image_height", &height, err));
    EKI_TRY(new_symbol(graph, "image_width", &width, err));
    EKI_TRY(new_value(graph, "pixels", pixels, err));
    bool last = p->options.pixels == EK_PIXELS_U8_NHWC;
    (*pixels)->dtype = p->options.pixels == EK_PIXELS_FLOAT ? EK_F32 : EK_U8;
    (*pixels)->shape = last ? (eki_shape){.rank = 4, .dims = {batch, height, width, channels}}
                            : (eki_shape){.rank = 4, .dims = {batch, channels, height, width}};
    (*pixels)->declared = true;
    return EK_OK;
}

/* A value that is no input or output any more is described only where the file did so apart from that. */
static void undeclare(eki_value *value) { value->declared = (value->in_file & EKI_IN_VALUE_INFO) != 0; }

static ek_status edit_input(eki_graph *graph, const plan *p, ek_error *err) {
    static const char *const marks[] = {"", "uint8-nhwc", "uint8-nchw", "float"};
    eki_value *input = eki_graph_find(graph, p->input), *pixels;
    if (input == NULL || input->is_output || input->producer != NULL) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "the input '%.200s' is an output too, or made by a node", p->input);
    }
    EKI_TRY(eki_keep_declaration(graph, input, EKI_META_OLD_INPUT, err));
    EKI_TRY(eki_graph_set_meta(graph, EKI_META_PREPROCESS, marks[p->options.pixels], err));
    EKI_TRY(add_pixels(graph, p, input, &pixels, err));
    eki_graph_replace_input(graph, input, pixels);
    undeclare(input);
    return eki_prepare_pixels(graph, &p->preparation, pixels, input, err);
}

/* The axis of the classes: the last, but of [N,classes,1,1]. Before opset 13 Softmax takes all that follow its axis. */
static int64_t class_axis(const eki_graph *graph, const eki_shape *shape) {
    bool flat = shape->rank > 2;
    for (int i = 2; i < shape->rank; i++) flat = flat && shape->dims[i] == 1;
    return eki_graph_opset(graph, "") < 13 || flat ? 1 : -1;
}

static ek_status edit_output(eki_graph *graph, const plan *p, ek_error *err) {
    eki_value *logits = eki_graph_find(graph, p->output), *probabilities;
    eki_node *node;
    if (logits == NULL || !logits->is_output || logits->producer == NULL) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "'%.200s' is no output that a node makes", p->output);
    }
    EKI_TRY(eki_keep_declaration(graph, logits, EKI_META_OLD_OUTPUT, err));
    EKI_TRY(new_value(graph, "probabilities", &probabilities, err));
    EKI_TRY(eki_graph_add_op(graph, EKI_OP_Softmax, probabilities->name, &logits, 1, &probabilities, 1, &node, err));
    EKI_TRY(eki_node_set_int(graph, node, "axis", class_axis(graph, &logits->shape), err));
    probabilities->dtype = logits->dtype;
    probabilities->stored = logits->stored;
    probabilities->shape = logits->shape;
    probabilities->declared = true;
    eki_graph_replace_output(graph, logits, probabilities);
    undeclare(logits);
    return EK_OK;
}

static ek_status edit(eki_graph *graph, const plan *p, ek_error *err) {
    const char *names = p->options.classes;
    EKI_TRY(edit_input(graph, p, err));
    if (p->output != NULL) EKI_TRY(edit_output(graph, p, err));
    if (names != NULL && names[0] != '\0' && eki_graph_meta(graph, "evenkeel.classes") == NULL) {
        EKI_TRY(eki_graph_set_meta(graph, "evenkeel.classes", names, err));
        EKI_TRY(eki_graph_set_meta(graph, EKI_META_NEW_CLASSES, "1", err));
    }
    return eki_graph_sort(graph, err);
}

ek_status ek_preprocess(ek_model *model, const ek_preprocess_options *options, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(options, err);
    plan p = {.options = ek_preprocess_options_default()};
    eki_graph *view;
    EKI_TRY(eki_options_take(&p.options, sizeof p.options, options, "ek_preprocess_options", err));
    EKI_TRY(check_options(&p.options, err));
    EKI_TRY(check_model(model, err));
    EKI_TRY(plan_images(model, &p, err));
    EKI_TRY(plan_output(model, &p, err));
    p.input = ek_model_input(model, 0).name;
    EKI_TRY(eki_graph_view(model->document, &view, err)); /* what fails, fails here */
    ek_status status = edit(view, &p, err);
    if (status == EK_OK) status = eki_strip_preprocess(view, err);
    eki_graph_destroy(view);
    if (status == EK_OK) status = edit(model->document, &p, err);
    return status == EK_OK ? eki_model_rebuild(model, err) : status;
}

ek_status ek_strip_preprocess(ek_model *model, ek_error *err) {
    EKI_GIVEN(model, err);
    eki_graph *view;
    EKI_TRY(eki_graph_view(model->document, &view, err));
    ek_status status = eki_strip_preprocess(view, err);
    eki_graph_destroy(view);
    if (status == EK_OK) status = eki_strip_preprocess(model->document, err);
    return status == EK_OK ? eki_model_rebuild(model, err) : status;
}
