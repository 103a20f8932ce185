/* inputs.c: data sets and models as the commands take them.
 *
 * What does not fit is found here, before anything is computed, and the error names the model's side and the data's
 * side. An image folder is resized to the model; anything else is resized only on request.
 */
#include "inputs.h"
#include "columns.h"
#include "message.h"
#include "norms.h"
#include "parts.h"
#include "watch.h"

#include <errno.h>
#include <evenkeel/surgery.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void dims_text(int rank, const int64_t *dims, char *text, size_t room) {
    size_t used = 0;
    text[0] = 0;
    if (rank <= 0) snprintf(text, room, rank == 0 ? "scalar" : "unknown");
    for (int i = 0; i < rank && used < room; i++) {
        int n = dims[i] < 0 ? snprintf(text + used, room - used, "%s?", i ? "x" : "")
                            : snprintf(text + used, room - used, "%s%lld", i ? "x" : "", (long long)dims[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}

const char *dtype_name(ek_dtype dtype) {
    switch (dtype) {
    case EK_F32: return "f32";
    case EK_F64: return "f64";
    case EK_F16: return "f16";
    case EK_BF16: return "bf16";
    case EK_I8: return "i8";
    case EK_U8: return "u8";
    case EK_I16: return "i16";
    case EK_U16: return "u16";
    case EK_I32: return "i32";
    case EK_U32: return "u32";
    case EK_I64: return "i64";
    case EK_U64: return "u64";
    case EK_BOOL: return "bool";
    case EK_STRING: return "string";
    default: return "none";
    }
}

int64_t model_values(const ek_model *model) {
    int64_t total = 0;
    for (size_t i = 0; i < ek_model_tensor_count(model); i++) {
        ek_tensor_info info = ek_model_tensor(model, i);
        int64_t values = 1;
        for (int d = 0; d < info.rank; d++) values *= info.dims[d];
        if (info.dtype == EK_F32) total += values;
    }
    return total;
}

int model_is_file(const char *name) {
    size_t length = strlen(name);
    struct stat info;
    if (length > 5 && strcmp(name + length - 5, ".onnx") == 0) return 1;
    if (strchr(name, '.') != NULL && stat(name, &info) == 0 && S_ISREG(info.st_mode)) return 1;
    return strchr(name, '/') != NULL;
}

const char *head_name(const arguments *args) { return option_known(args, "head") ? option_text(args, "head") : NULL; }

ek_dtype precision_asked(const arguments *args) { return option_choice(args, "precision") == 1 ? EK_BF16 : EK_F32; }

/* The first output where there is none of that name: the library then says so. */
static ek_tensor_info head_of(const arguments *args, const ek_model *model) {
    const char *name = head_name(args);
    for (size_t i = 0; name != NULL && i < ek_model_output_count(model); i++)
        if (strcmp(ek_model_output(model, i).name, name) == 0) return ek_model_output(model, i);
    return ek_model_output(model, 0);
}

int64_t model_classes(const arguments *args, const ek_model *model) {
    if (ek_model_output_count(model) == 0) return -1;
    ek_tensor_info info = head_of(args, model);
    int axis = info.rank - 1;
    for (int i = info.rank - 1; i > 0; i--)
        if (info.dims[axis] == 1) axis = i;
    return info.rank >= 2 ? info.dims[axis] : -1;
}

/* Reads --size into the options. */
static ek_status read_size(const arguments *args, ek_dataset_options *options, ek_error *err) {
    const char *text = option_text(args, "size");
    if (text == NULL) return EK_OK;
    char *end = NULL;
    long height = strtol(text, &end, 10), width = height;
    int good = end != text;
    if (good && *end == 'x') {
        const char *second = end + 1;
        width = strtol(second, &end, 10);
        good = end != second;
    }
    if (!good || *end != 0 || height < 1 || width < 1 || height > 16384 || width > 16384)
        return fail(err, EK_ERR_ARG, "--size: '%s' is not HEIGHTxWIDTH, such as 32x32", text);
    options->height = (int)height;
    options->width = (int)width;
    return EK_OK;
}

ek_split data_split(const arguments *args) {
    static const ek_split splits[] = {EK_SPLIT_TRAIN, EK_SPLIT_TEST, EK_SPLIT_VALIDATION};
    return splits[option_choice(args, "split")];
}

/* Reads --input-affine A,B. */
static ek_status read_affine(const arguments *args, ek_dataset_options *options, ek_error *err) {
    const char *text = option_known(args, "input-affine") ? option_text(args, "input-affine") : NULL;
    if (text == NULL) return EK_OK;
    char *end = NULL, *last = NULL;
    options->gain = strtod(text, &end);
    if (end != text && *end == ',') options->offset = strtod(end + 1, &last);
    if (last == NULL || last == end + 1 || *last != 0 || !isfinite(options->gain) || !isfinite(options->offset) ||
        options->gain == 0)
        return fail(err, EK_ERR_ARG, "--input-affine: '%s' is not A,B with A not zero, such as 0.3,0.4", text);
    return EK_OK;
}

/* Gray or RGB, as the model says; 0 = it does not. */
static int wanted_channels(const ek_model_images *images) {
    return images->channels == 1 || images->channels == 3 ? images->channels : 0;
}

void tell_channels(const char *spec, int stored, int taken) {
    if (stored == 1 && taken == 3) note("%s: gray images, taken as RGB for the model", spec);
    if (stored == 3 && taken == 1)
        note("%s: colour images, taken as gray for the model (0.299 R + 0.587 G + 0.114 B)", spec);
}

void tell_layout(const arguments *args, const ek_model *model) {
    ek_model_images images;
    ek_error ignored;
    size_t outputs = ek_model_output_count(model);
    if (option_known(args, "head") && head_name(args) == NULL && outputs > 1)
        note("%s has %zu outputs; '%s' is taken for the logits, --head NAME takes another", ek_model_path(model),
             outputs, ek_model_output(model, 0).name);
    if (model == NULL || ek_model_describe_images(model, &images, &ignored) != EK_OK || !images.channels_last) return;
    note("%s takes images channels last, as [N,H,W,C]; they are fed so", ek_model_path(model));
}

/* A file where a folder is expected: what it is, by its name. */
static void say_what_to_do(const char *spec, ek_error *err) {
    static const char *const kinds[][2] = {
        {".zip", "unpack it first"}, {".tar", "unpack it first"},
        {".gz", "unpack it first"},  {".tgz", "unpack it first"},
        {".xz", "unpack it first"},  {".7z", "unpack it first"},
        {".rar", "unpack it first"}, {".onnx", "this is a model, not data"},
    };
    const char *ending = strrchr(spec, '.');
    size_t used = strlen(err->text);
    for (size_t i = 0; ending != NULL && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(ending, kinds[i][0]) == 0 && access(spec, F_OK) == 0)
            snprintf(err->text + used, sizeof err->text - used, "; %s", kinds[i][1]);
}

ek_status image_options(const arguments *args, const ek_model *model, ek_model_images *images,
                        ek_dataset_options *options, ek_error *err) {
    *images = (ek_model_images){0};
    *options = (ek_dataset_options){.struct_size = sizeof *options};
    ek_status status = model == NULL ? EK_OK : ek_model_describe_images(model, images, err);
    if (status == EK_OK) status = read_size(args, options, err);
    if (status == EK_OK) status = read_affine(args, options, err);
    options->channels = wanted_channels(images);
    return status;
}

ek_status file_options(const arguments *args, const ek_model *model, ek_model_images *images,
                       ek_dataset_options *options, ek_error *err) {
    ek_status status = image_options(args, model, images, options, err);
    if (status != EK_OK) return status;
    if (images->channels != 0 && options->channels == 0)
        return fail(err, EK_ERR_UNSUPPORTED,
                    "%s takes images of %d channels, but image files are gray or RGB; evenkeel run --input "
                    "takes arrays",
                    ek_model_path(model), images->channels);
    if (images->channels == 0) options->channels = 3;
    ek_tensor_info input = ek_model_input(model, 0);
    const int64_t *extents = input.dims + (images->channels_last ? 1 : 2), given[2] = {options->height, options->width};
    for (int i = 0; i < 2 && input.rank == 4 && options->height > 0; i++)
        if (extents[i] > 0 && extents[i] != given[i])
            return fail(err, EK_ERR_SHAPE,
                        "--size %s: %s takes images of %dx%d; without --size they are resized to that",
                        option_text(args, "size"), ek_model_path(model), images->height, images->width);
    if (options->height == 0) options->height = images->height;
    if (options->width == 0) options->width = images->width;
    if (options->height > 0 && options->width > 0) return EK_OK;
    return fail(err, EK_ERR_ARG, "%s does not say how large its images are; --size HxW does, such as --size 224x224",
                ek_model_path(model));
}

static ek_status open_data(const arguments *args, const char *spec, ek_split split, const ek_model *model,
                           int64_t limit, int unlabelled, ek_dataset **dataset, ek_error *err) {
    ek_model_images images;
    ek_dataset_options options;
    table_columns named;
    ek_status status = image_options(args, model, &images, &options, err);
    if (status == EK_OK) status = columns_read(&named, args, model, err);
    options.columns = named.arrays;
    options.column_count = status == EK_OK ? named.count : 0;
    options.columns_only = status == EK_OK && named.only;
    options.limit = limit;
    options.unlabelled = unlabelled;
    options.on_demand = option_known(args, "workers"); /* who decodes meanwhile looks first whether all can be */
    if (images.height > 0 && images.width > 0) {
        options.files_height = images.height;
        options.files_width = images.width;
    }
    watch w;
    watch_start(&w, "reading images");
    w.tells = 1;
    options.progress = watch_progress;
    options.context = &w;
    if (status == EK_OK) status = ek_dataset_open(spec, split, &options, dataset, err);
    watch_end(&w);
    if (status == EK_ERR_FORMAT || status == EK_ERR_IO) say_what_to_do(spec, err);
    if (status == EK_OK)
        tell_channels(spec, ek_dataset_stored_channels(*dataset), ek_dataset_describe(*dataset).channels);
    const ek_skipped *skipped;
    size_t count = status == EK_OK ? ek_dataset_skipped(*dataset, &skipped) : 0;
    if (count > 0) tell_skipped(spec, skipped, count);
    if (status == EK_OK && ek_dataset_note(*dataset) != NULL) note("%s", ek_dataset_note(*dataset));
    return status;
}

ek_status data_open(const arguments *args, const char *spec, ek_split split, const ek_model *model,
                    ek_dataset **dataset, ek_error *err) {
    return open_data(args, spec, split, model, option_int(args, "limit"), 0, dataset, err);
}

ek_status data_open_test(const arguments *args, const char *spec, const ek_model *model, ek_dataset **dataset,
                         ek_error *err) {
    return open_data(args, spec, EK_SPLIT_TEST, model, option_int(args, "test-limit"), 0, dataset, err);
}

ek_status data_open_unlabelled(const arguments *args, const char *spec, ek_split split, const ek_model *model,
                               ek_dataset **dataset, ek_error *err) {
    return open_data(args, spec, split, model, option_int(args, "limit"), 1, dataset, err);
}

/* Where the channels, the height and the width of images are among the extents of the input. */
typedef struct axes {
    int channels, height, width, last; /* last: the channels are */
} axes;

static axes axes_of(const ek_model *model) {
    ek_model_images images;
    ek_error ignored;
    int last = ek_model_describe_images(model, &images, &ignored) == EK_OK && images.channels_last;
    return last ? (axes){3, 1, 2, 1} : (axes){1, 2, 3, 0};
}

static int images_fit(const ek_model *model, const ek_dataset_info *data) {
    const ek_tensor_info input = ek_model_input(model, 0);
    const axes a = axes_of(model);
    int64_t want[4] = {-1};
    want[a.channels] = data->channels;
    want[a.height] = data->height;
    want[a.width] = data->width;
    int fits = input.rank == 4 || input.rank < 0;
    for (int i = 1; i < 4 && fits && input.rank == 4; i++) fits = input.dims[i] < 0 || input.dims[i] == want[i];
    return fits;
}

static ek_status images_do_not_fit(const char *path, const ek_model *model, const ek_dataset_info *data,
                                   const char *spec, ek_error *err) {
    const ek_tensor_info input = ek_model_input(model, 0);
    const axes a = axes_of(model);
    const int64_t have[3] = {data->channels, data->height, data->width};
    char model_text[160], data_text[160], remedy[80] = "";
    dims_text(input.rank, input.dims, model_text, sizeof model_text);
    dims_text(3, have, data_text, sizeof data_text);
    if (input.rank == 4 && (input.dims[a.channels] < 0 || input.dims[a.channels] == data->channels))
        snprintf(remedy, sizeof remedy, "; --size %lldx%lld resizes the images", (long long)input.dims[a.height],
                 (long long)input.dims[a.width]);
    return fail(err, EK_ERR_SHAPE, "%s takes %s (%s%s), but the images of %s are each %s%s%s", path, model_text,
                input.name, a.last ? ", channels last" : "", spec, data_text,
                a.last ? " (channels, height, width)" : "", remedy);
}

/* The masks' classes and the channels of an output [N,C,H,W]; one channel tells two classes apart. */
static ek_status masks_fit(const arguments *args, const ek_model *model, const char *path, int classes,
                           const char *spec, ek_error *err) {
    ek_tensor_info head = head_of(args, model);
    if (head.rank < 0 || (head.rank == 4 && (head.dims[1] < 0 || classes <= head.dims[1]))) return EK_OK;
    if (head.rank == 4 && head.dims[1] == 1 && classes == 2) return EK_OK;
    char shape[160];
    dims_text(head.rank, head.dims, shape, sizeof shape);
    return fail(err, EK_ERR_SHAPE,
                "%s gives %s (%s), but the masks of %s have classes up to %d; a segmentation model "
                "gives images x classes x height x width",
                path, shape, head.name, spec, classes - 1);
}

ek_status data_fits(const arguments *args, const ek_model *model, const ek_dataset *dataset, const char *spec,
                    ek_error *err) {
    ek_dataset_info data = ek_dataset_describe(dataset);
    ek_labels labels = ek_dataset_labels(dataset);
    const char *path = ek_model_path(model);
    if (path[0] == 0) path = "the model";
    if (ek_model_input_count(model) == 0)
        return fail(err, EK_ERR_SHAPE, "%s has no input; images and labels need one", path);
    if (data.channels > 0 && !images_fit(model, &data)) return images_do_not_fit(path, model, &data, spec, err);
    int64_t classes = model_classes(args, model);
    if (labels == EK_LABELS_NONE) return fail(err, EK_ERR_SHAPE, "the images of %s have no labels", spec);
    if (labels == EK_LABELS_PIXELS) return masks_fit(args, model, path, data.classes, spec, err);
    int partial = strcmp(data.kind, "npy") == 0; /* its classes are the labels that occur */
    if (classes < 0 || classes == data.classes || (partial && data.classes < classes)) return EK_OK;
    if (labels == EK_LABELS_NUMBERS)
        return fail(err, EK_ERR_SHAPE, "%s gives %lld numbers for an example, but %s has %d columns (%s ... %s)", path,
                    (long long)classes, spec, data.classes, data.class_names[0], data.class_names[data.classes - 1]);
    return fail(err, EK_ERR_SHAPE,
                "%s tells %lld classes apart, but %s has %d classes (%s ... %s); 'evenkeel train' gives the file a "
                "new classifier, with --cut NAME where its output is features",
                path, (long long)classes, spec, data.classes, data.class_names[0], data.class_names[data.classes - 1]);
}

/* Data given as a model, a built-in one that is no file yet, a name without its ending. */
static void say_what_is_meant(const char *path, ek_error *err) {
    char with_ending[1024];
    size_t used = strlen(err->text), room = sizeof err->text - used;
    ek_error none;
    snprintf(with_ending, sizeof with_ending, "%s.onnx", path);
    if (strncmp(path, "builtin:", 8) == 0)
        snprintf(err->text + used, room, "; these are data: they stand behind --data, and the model before them");
    else if (architecture_find(path, &none) != NULL)
        snprintf(err->text + used, room,
                 "; the built-in model of that name becomes a file by 'evenkeel train --model %s'", path);
    else if (access(with_ending, F_OK) == 0)
        snprintf(err->text + used, room, "; did you mean %s?", quoted(with_ending));
}

ek_status model_there(const char *path, ek_error *err) {
    if (access(path, F_OK) == 0) return EK_OK;
    ek_status status = fail(err, EK_ERR_IO, "%s: cannot open for reading: %s", path, strerror(errno));
    say_what_is_meant(path, err);
    return status;
}

ek_status model_open(const char *path, ek_model **model, ek_error *err) {
    ek_status status = ek_model_load(path, model, err);
    if (status == EK_ERR_IO && access(path, F_OK) != 0) say_what_is_meant(path, err);
    return status;
}

void model_to_inference(ek_model *model) {
    size_t changed = 0;
    ek_error why = {0};
    ek_status status = ek_set_inference(model, &changed, &why);
    if (changed > 0)
        note("norms     %zu %s in training mode in the file; what is written has %s in inference mode (convert "
             "--inference)",
             changed, changed == 1 ? "was" : "were", changed == 1 ? "it" : "them");
    if (status != EK_OK) note("norms     %s", why.text);
}

int same_file(const char *a, const char *b) {
    struct stat first, second;
    if (strcmp(a, b) == 0) return 1;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}
