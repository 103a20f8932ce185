/* terms.c: --input, --target and --loss become arrays and terms. */
#include "terms.h"

#include "inputs.h"
#include "message.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const kinds[] = {"cross-entropy", "bce", "mse", "mae", "huber"};
enum { KINDS = sizeof kinds / sizeof *kinds };

int terms_arrays(const arguments *args) {
    const option_value *inputs = option_get(args, "input");
    for (int i = 0; i < inputs->count; i++)
        if (!is_column(args, inputs->texts[i])) return 1;
    return 0;
}

static ek_status add_array(terms *t, const char *what, const char *text, const char *otherwise, ek_error *err) {
    if (t->array_count == MAX_ARRAYS)
        return fail(err, EK_ERR_LIMIT, "there are more than %d arrays; a run takes no more", MAX_ARRAYS);
    char *name = t->names[t->array_count];
    const char *path = split_name(text, name);
    ek_status status = word_check_extension(what, path, ".npy", err);
    if (status != EK_OK) return status;
    if (name[0] == 0) snprintf(name, ARRAY_NAME, "%s", otherwise);
    t->arrays[t->array_count++] = (ek_array_source){.name = name, .path = path};
    return EK_OK;
}

/* What is for images has no sense for arrays; and --test has no targets. */
static ek_status refuse_others(const terms *t, const arguments *args, int columns, ek_error *err) {
    static const char *const images[] = {"size",   "mean",   "std",   "input-affine", "crop", "flip",
                                         "rotate", "jitter", "erase", "new-head",     "cut"};
    int arrays = terms_arrays(args);
    if (t->array_count > 0 && option_known(args, "test") && option_given(args, "test"))
        return fail(err, EK_ERR_ARG, "--test has no targets; afterwards: evenkeel eval with other arrays");
    for (size_t i = 0; (arrays || columns) && i < sizeof images / sizeof *images; i++)
        if (option_known(args, images[i]) && option_given(args, images[i]))
            return fail(err, EK_ERR_ARG, "--%s is for images, and --input gives arrays, which go in as they are",
                        images[i]);
    if (arrays && option_known(args, "split") && option_given(args, "split"))
        return fail(err, EK_ERR_ARG, "--split is for --data, and --input gives arrays");
    return EK_OK;
}

static ek_status add_target(terms *t, const arguments *args, const char *text, ek_error *err) {
    char name[ARRAY_NAME];
    if (t->target_count == MAX_ARRAYS)
        return fail(err, EK_ERR_LIMIT, "there are more than %d arrays; a run takes no more", MAX_ARRAYS);
    (void)split_name(text, name);
    (void)snprintf(t->targets[t->target_count++], ARRAY_NAME, "%s", name[0] != 0 ? name : "target");
    return is_column(args, text) ? EK_OK : add_array(t, "--target", text, "target", err);
}

ek_status terms_read(terms *t, const arguments *args, const ek_model *model, ek_error *err) {
    const option_value *inputs = option_get(args, "input"), *targets = option_get(args, "target");
    table_columns c;
    ek_status status = columns_read(&c, args, model, err);
    if (status == EK_OK && terms_arrays(args) && option_given(args, "data"))
        return fail(err, EK_ERR_ARG, "--input stands in place of --data: give one of them");
    if (status == EK_OK && terms_arrays(args) && targets->count == 0)
        return fail(err, EK_ERR_ARG,
                    "--input needs a --target: what should the model give?\nExample: --input x.npy "
                    "--target y.npy --loss mse");
    for (int i = 0; i < inputs->count && status == EK_OK; i++)
        if (!is_column(args, inputs->texts[i]))
            status = add_array(t, "--input", inputs->texts[i], ek_model_input(model, 0).name, err);
    for (int i = 0; i < targets->count && status == EK_OK; i++) status = add_target(t, args, targets->texts[i], err);
    return status == EK_OK ? refuse_others(t, args, c.only, err) : status;
}

ek_status terms_open(const terms *t, const arguments *args, ek_dataset **dataset, ek_error *err) {
    return ek_dataset_open_arrays(t->arrays, t->array_count, option_int(args, "limit"), dataset, err);
}

static int is_output(const ek_model *model, const char *name) {
    for (size_t i = 0; i < ek_model_output_count(model); i++)
        if (strcmp(ek_model_output(model, i).name, name) == 0) return 1;
    return 0;
}

static size_t array_of(const ek_dataset *data, const char *name) {
    size_t at = 0;
    while (at < ek_dataset_array_count(data) && strcmp(ek_dataset_array(data, at).name, name) != 0) at++;
    return at;
}

/* Columns that are the labels of images are no arrays; others are targets, also where nobody named them. */
static void settle_targets(terms *t, const ek_model *model, const ek_dataset *data) {
    size_t kept = 0;
    for (size_t i = 0; i < t->target_count; i++) {
        if (array_of(data, t->targets[i]) < ek_dataset_array_count(data))
            memmove(t->targets[kept++], t->targets[i], ARRAY_NAME);
        else if (is_output(model, t->targets[i]))
            t->labelled = t->targets[i]; /* then it is the only one */
    }
    t->target_count = kept;
    int labels = ek_dataset_labels(data) == EK_LABELS_CLASS && ek_dataset_describe(data).channels > 0;
    if (kept > 0 || labels || array_of(data, "target") == ek_dataset_array_count(data)) return;
    snprintf(t->targets[t->target_count++], ARRAY_NAME, "target");
}

/* ---- losses ---- */

/* The target of a loss: that of its output's name, or the only one. */
static ek_status find_target(const terms *t, ek_loss *loss, const ek_model *model, int alone, ek_error *err) {
    for (size_t i = 0; i < t->target_count; i++)
        if (loss->output != NULL && strcmp(t->targets[i], loss->output) == 0) loss->target = t->targets[i];
    if (loss->output == NULL) loss->output = t->labelled;
    if (loss->target != NULL || t->target_count == 0) return EK_OK;
    if (!alone || t->target_count > 1)
        return fail(err, EK_ERR_ARG, "--loss: output '%s' has no target; give --target %s=Y.npy",
                    loss->output != NULL ? loss->output : "?", loss->output != NULL ? loss->output : "OUTPUT");
    loss->target = t->targets[0];
    if (loss->output == NULL && is_output(model, loss->target)) loss->output = loss->target;
    return EK_OK;
}

static ek_status load_graph(terms *t, ek_loss *loss, const char *path, ek_error *err) {
    ek_status status = model_open(path, &t->graphs[t->count], err);
    loss->kind = EK_LOSS_GRAPH;
    loss->graph = t->graphs[t->count];
    return status;
}

static ek_status add_loss(terms *t, const char *text, const ek_model *model, int alone, ek_error *err) {
    if (t->count == MAX_TERMS) return fail(err, EK_ERR_LIMIT, "there are more than %d losses", MAX_TERMS);
    ek_loss *loss = &t->losses[t->count];
    char *name = t->outputs[t->count];
    const char *kind = split_name(text, name);
    *loss = (ek_loss){.output = name[0] != 0 ? name : NULL};
    for (int i = 0; i < KINDS; i++)
        if (strcmp(kind, kinds[i]) == 0) loss->kind = (ek_loss_kind)(i + 1);
    ek_status status = EK_OK;
    if (loss->kind != 0) {
        status = find_target(t, loss, model, alone, err);
    } else if (model_is_file(kind)) {
        status = load_graph(t, loss, kind, err);
    } else {
        return fail(err, EK_ERR_ARG, "--loss: '%s' is none of cross-entropy, bce, mse, mae, huber, and no FILE.onnx",
                    kind);
    }
    t->count++;
    return status;
}

static ek_status weigh(terms *t, const char *text, ek_error *err) {
    char name[256], *end = NULL;
    const char *number = split_name(text, name);
    double weight = strtod(number, &end);
    if (name[0] == 0 || end == number || *end != 0 || !(weight > 0))
        return fail(err, EK_ERR_ARG, "--loss-weight %s: expected OUTPUT=W with W above 0, such as y=0.5", text);
    for (size_t i = 0; i < t->count; i++) {
        if (t->losses[i].output == NULL || strcmp(t->losses[i].output, name) != 0) continue;
        t->losses[i].weight = weight;
        return EK_OK;
    }
    return fail(err, EK_ERR_ARG, "--loss-weight %s: no --loss names the output '%s'", text, name);
}

/* ---- class weights ---- */

static ek_status read_text(const char *path, float *weights, size_t room, size_t *count, ek_error *err) {
    FILE *file = fopen(path, "r");
    double number;
    int got = 1;
    *count = 0;
    if (file == NULL) return fail(err, EK_ERR_IO, "%s: cannot open for reading", path);
    while (*count < room && (got = fscanf(file, " %lf ,", &number)) == 1) weights[(*count)++] = (float)number;
    int whole = got == EOF && feof(file) && *count > 0;
    fclose(file);
    return whole ? EK_OK
                 : fail(err, EK_ERR_FORMAT, "%s: number %zu is not one; expected a number for each class", path,
                        *count + 1);
}

static ek_status read_npy(const char *path, float *weights, size_t room, size_t *count, ek_error *err) {
    ek_npy npy;
    ek_status status = ek_npy_read(path, &npy, err);
    if (status != EK_OK) return status;
    int fits = npy.rank == 1 && (npy.dtype == EK_F32 || npy.dtype == EK_F64) && (size_t)npy.dims[0] <= room;
    *count = fits ? (size_t)npy.dims[0] : 0;
    for (size_t i = 0; i < *count; i++)
        weights[i] = npy.dtype == EK_F32 ? ((const float *)npy.data)[i] : (float)((const double *)npy.data)[i];
    ek_npy_free(&npy);
    return fits ? EK_OK : fail(err, EK_ERR_SHAPE, "%s: expected one float number for each class", path);
}

enum { MOST_CLASSES = 65536 };

static int64_t whole_at(const ek_batch_array *array, const void *example, size_t i) {
    switch (array->dtype) {
    case EK_I64: return ((const int64_t *)example)[i];
    case EK_I32: return ((const int32_t *)example)[i];
    case EK_I16: return ((const int16_t *)example)[i];
    case EK_I8: return ((const int8_t *)example)[i];
    case EK_U16: return ((const uint16_t *)example)[i];
    case EK_U8:
    case EK_BOOL: return ((const uint8_t *)example)[i];
    default: return -1;
    }
}

/* How often each class occurs in an array of integers; those outside are not counted. */
static ek_status count_array(const ek_dataset *data, size_t at, int64_t *counts, ek_error *err) {
    ek_batch_array array = ek_dataset_array(data, at);
    size_t places = 1;
    for (int i = 1; i < array.rank; i++) places *= (size_t)array.dims[i];
    int64_t *example = calloc(places + 1, sizeof *example); /* room for the widest type */
    if (example == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
    ek_status status = EK_OK;
    for (int64_t r = 0; r < array.dims[0] && status == EK_OK; r++) {
        status = ek_dataset_read_array(data, at, r, example, err);
        for (size_t i = 0; status == EK_OK && i < places; i++) {
            int64_t class = whole_at(&array, example, i);
            if (class >= 0 && class < MOST_CLASSES) counts[class]++;
        }
    }
    free(example);
    return status;
}

static ek_status count_labels(const ek_dataset *data, int64_t *counts, ek_error *err) {
    ek_status status = EK_OK;
    for (int64_t i = 0; i < ek_dataset_describe(data).count && status == EK_OK; i++) {
        int32_t label = 0;
        status = ek_dataset_read(data, i, NULL, &label, err);
        if (status == EK_OK) counts[label]++;
    }
    return status;
}

/* sqrt(n / (classes n_c)): rare classes count for more, but not as much as if all were equally many: with a hundred
 * times fewer examples that follows the few so closely that the rest is lost (docs/training.md has the figures). */
static ek_status balance(terms *t, const ek_loss *loss, const ek_model *model, const ek_dataset *data, size_t *classes,
                         ek_error *err) {
    int64_t *counts = calloc(MOST_CLASSES, sizeof *counts), all = 0;
    if (counts == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
    ek_status status = loss->target == NULL ? count_labels(data, counts, err)
                                            : count_array(data, array_of(data, loss->target), counts, err);
    for (size_t i = 0; i < ek_model_output_count(model); i++) {
        ek_tensor_info output = ek_model_output(model, i);
        int meant = loss->output == NULL ? i == 0 : strcmp(output.name, loss->output) == 0;
        if (meant && output.rank > 1 && output.dims[1] > 0 && output.dims[1] < MOST_CLASSES)
            *classes = (size_t)output.dims[1];
    }
    for (size_t c = 0; c < MOST_CLASSES; c++) {
        all += counts[c];
        if (counts[c] > 0 && c >= *classes) *classes = c + 1;
    }
    for (size_t c = 0; c < *classes; c++)
        t->class_weights[c] = counts[c] > 0 ? (float)sqrt((double)all / ((double)*classes * (double)counts[c])) : 0;
    free(counts);
    return status;
}

static ek_status make_weights(terms *t, const char *text, const ek_model *model, const ek_dataset *data,
                              ek_error *err) {
    size_t count = 0, length = strlen(text);
    ek_loss *meant = NULL;
    for (size_t i = 0; i < t->count; i++)
        if (t->losses[i].kind == EK_LOSS_CROSS_ENTROPY || t->losses[i].kind == EK_LOSS_BCE) {
            if (meant != NULL)
                return fail(err, EK_ERR_ARG, "--class-weights: %zu losses have classes; it is for one", t->count);
            meant = &t->losses[i];
        }
    if (meant == NULL) return fail(err, EK_ERR_ARG, "--class-weights is for cross-entropy and bce");
    t->class_weights = calloc(MOST_CLASSES, sizeof *t->class_weights);
    if (t->class_weights == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
    ek_status status = EK_OK;
    if (strcmp(text, "auto") == 0 && meant->kind == EK_LOSS_BCE)
        return fail(err, EK_ERR_ARG, "--class-weights auto is for cross-entropy; give the numbers for bce in a file");
    if (strcmp(text, "auto") == 0)
        status = balance(t, meant, model, data, &count, err);
    else if (length > 4 && strcmp(text + length - 4, ".npy") == 0)
        status = read_npy(text, t->class_weights, MOST_CLASSES, &count, err);
    else
        status = read_text(text, t->class_weights, MOST_CLASSES, &count, err);
    meant->class_weights = t->class_weights;
    meant->class_count = count;
    return status == EK_OK ? EK_OK : fail_in(err, "--class-weights");
}

/* Labels, cross-entropy, nothing else: the classifier's own loss, which is faster. */
static int is_plain(const terms *t, const arguments *args) {
    int smooth = option_real(args, "label-smoothing") > 0 || option_given(args, "class-weights");
    return t->array_count + t->target_count == 0 && !smooth && t->count == 1 &&
           t->losses[0].kind == EK_LOSS_CROSS_ENTROPY && t->losses[0].output == NULL;
}

/* Classes outside of 0 and 1 among those of the pixels; 0 = there is none. */
static int other_class(const ek_dataset *data, const char *name) {
    ek_batch_array a = ek_dataset_array(data, array_of(data, name));
    size_t count = 1;
    for (int i = 0; i < a.rank; i++) count *= (size_t)a.dims[i];
    for (size_t i = 0; a.dtype == EK_I16 && a.data != NULL && i < count; i++) {
        int class = ((const int16_t *)a.data)[i];
        if (class != 0 && class != 1) return class;
    }
    return 0;
}

/* Whether an output gives one number for each pixel, which tells two classes apart. */
static int is_single(const ek_model *model, const char *name) {
    ek_tensor_info output = ek_model_output(model, 0);
    for (size_t i = 0; name != NULL && i < ek_model_output_count(model); i++)
        if (strcmp(ek_model_output(model, i).name, name) == 0) output = ek_model_output(model, i);
    return output.rank == 4 && output.dims[1] == 1;
}

/* Masks hold classes: numbers are not what they are made of, and bce leaves no pixel out. */
static ek_status check_masks(const terms *t, const arguments *args, const ek_model *model, const ek_dataset *data,
                             ek_error *err) {
    if (ek_dataset_labels(data) != EK_LABELS_PIXELS) return EK_OK;
    for (size_t i = 0; i < t->count; i++) {
        const ek_loss *loss = &t->losses[i];
        const char *output = loss->output != NULL ? loss->output : head_name(args);
        if (loss->kind == EK_LOSS_CROSS_ENTROPY && is_single(model, output))
            return fail(err, EK_ERR_ARG,
                        "--loss cross-entropy needs an output for each class, and the model gives one "
                        "number for each pixel: --loss bce");
        if (loss->kind == EK_LOSS_CROSS_ENTROPY || loss->kind == EK_LOSS_GRAPH || loss->target == NULL) continue;
        if (loss->kind != EK_LOSS_BCE)
            return fail(err, EK_ERR_ARG,
                        "--loss %s is for numbers, and masks hold classes: cross-entropy, or bce of two",
                        kinds[loss->kind - 1]);
        int other = other_class(data, loss->target);
        const char *moves = option_known(args, "crop") && option_int(args, "crop") > 0        ? "crop"
                            : option_known(args, "rotate") && option_real(args, "rotate") > 0 ? "rotate"
                                                                                              : NULL;
        if (other == 0 && moves != NULL)
            return fail(err, EK_ERR_ARG,
                        "--loss bce is for masks of the classes 0 and 1, and --%s brings pixels of no class; --loss "
                        "cross-entropy with an output for each class leaves those out",
                        moves);
        if (other != 0)
            return fail(
                err, EK_ERR_ARG,
                "--loss bce is for masks of the classes 0 and 1, and here is %d; --loss cross-entropy with an output "
                "for each class leaves out pixels of none",
                other);
    }
    return EK_OK;
}

ek_status terms_make(terms *t, const arguments *args, const ek_model *model, const ek_dataset *data, ek_error *err) {
    const option_value *given = option_get(args, "loss"), *factors = option_get(args, "loss-weight");
    const char *weights = option_text(args, "class-weights");
    double smoothing = option_real(args, "label-smoothing");
    ek_labels labels = ek_dataset_labels(data);
    int flags = labels == EK_LABELS_SEVERAL || (labels == EK_LABELS_PIXELS && is_single(model, head_name(args)));
    ek_status status = EK_OK;
    settle_targets(t, model, data);
    for (int i = 0; i < given->count && status == EK_OK; i++)
        status = add_loss(t, given->texts[i], model, given->count == 1, err);
    if (status == EK_OK && given->count == 0) status = add_loss(t, kinds[flags ? 1 : 0], model, 1, err);
    if (status == EK_OK) status = check_masks(t, args, model, data, err);
    for (int i = 0; i < factors->count && status == EK_OK; i++) status = weigh(t, factors->texts[i], err);
    if (status == EK_OK && weights != NULL) status = make_weights(t, weights, model, data, err);
    if (status != EK_OK) return status;
    for (size_t i = 0; i < t->count && smoothing > 0; i++) {
        int classes = t->losses[i].kind == EK_LOSS_CROSS_ENTROPY || t->losses[i].kind == EK_LOSS_BCE;
        if (classes) t->losses[i].label_smoothing = smoothing;
    }
    for (size_t i = 0; i < t->count; i++) {
        const ek_loss *loss = &t->losses[i];
        if (loss->kind == EK_LOSS_CROSS_ENTROPY && loss->target != NULL)
            t->places[i] = ek_dataset_array(data, array_of(data, loss->target)).rank > 1;
    }
    if (is_plain(t, args)) t->count = 0;
    return EK_OK;
}

void terms_free(terms *t) {
    for (size_t i = 0; i < MAX_TERMS; i++) ek_model_destroy(t->graphs[i]);
    free(t->class_weights);
}

void terms_text(const terms *t, char *text, size_t room) {
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < t->count && used < room; i++) {
        const ek_loss *loss = &t->losses[i];
        const char *name = loss->graph != NULL ? ek_model_path(loss->graph) : kinds[loss->kind - 1];
        char factor[32] = "";
        if (loss->weight > 0) snprintf(factor, sizeof factor, "%g ", loss->weight);
        int n = snprintf(text + used, room - used, "%s%s%s%s%s", i > 0 ? ", " : "", factor, name,
                         loss->output != NULL ? " of " : "", loss->output != NULL ? loss->output : "");
        used += n > 0 ? (size_t)n : 0;
    }
}

static ek_measure measure_of(const terms *t, size_t i) {
    switch (t->losses[i].kind) {
    case EK_LOSS_CROSS_ENTROPY: return t->places[i] ? EK_MEASURE_PLACES : EK_MEASURE_CLASSES;
    case EK_LOSS_BCE: return EK_MEASURE_LABELS;
    case EK_LOSS_GRAPH: return EK_MEASURE_NONE;
    default: return EK_MEASURE_NUMBERS;
    }
}

ek_measure terms_measure(const terms *t, size_t *at) {
    ek_measure first = t->count == 0 ? EK_MEASURE_CLASSES : EK_MEASURE_NONE;
    if (at != NULL) *at = 0;
    for (size_t i = 0; i < t->count && first != EK_MEASURE_CLASSES; i++) {
        ek_measure found = measure_of(t, i);
        if (first != EK_MEASURE_NONE && found != EK_MEASURE_CLASSES) continue;
        first = found;
        if (at != NULL) *at = i;
    }
    return first;
}

int terms_classify(const terms *t) { return terms_measure(t, NULL) == EK_MEASURE_CLASSES; }
