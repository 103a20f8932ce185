/* data.h: labelled image data, the batches made of it, and .npy files.
 *
 *     ek_dataset *train;
 *     ek_loader *loader;
 *     ek_batch batch;
 *     ek_loader_options o = ek_loader_options_default();
 *     o.batch = 64, o.seed = 1, o.shuffle = 1;
 *     ek_status s = ek_dataset_open("mnist-folder", EK_SPLIT_TRAIN, NULL, &train, &err);
 *     if (s == EK_OK) s = ek_loader_create(train, &o, &loader, &err);
 *     if (s == EK_OK) s = ek_loader_start_epoch(loader, 0, 0, &err);
 *     while (s == EK_OK && (s = ek_loader_next(loader, &batch, &err)) == EK_OK && batch.count > 0) use(&batch);
 *
 * What a batch holds depends on (seed, epoch, position) alone: never on threads, prefetching or what was read before.
 */
#ifndef EVENKEEL_DATA_H
#define EVENKEEL_DATA_H

#include <evenkeel/image.h>
#include <evenkeel/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ek_dataset ek_dataset;
typedef struct ek_loader ek_loader;

typedef enum ek_split {
    EK_SPLIT_TRAIN = 0,
    EK_SPLIT_TEST = 1,       /* of a folder of images that has no test folder: its validation folder */
    EK_SPLIT_VALIDATION = 2, /* only folders and tables of images may have one */
    EK_SPLIT_ALL = 3         /* of ek_dataset_split: there is no split, training and test are the same examples */
} ek_split;

enum { EK_MAX_CHANNELS = 4 };

/* What the examples of a set are labelled with. */
typedef enum ek_labels {
    EK_LABELS_NONE = 0,
    EK_LABELS_CLASS = 1,   /* one class; of examples without images it is the array "target", i32 [N], too */
    EK_LABELS_SEVERAL = 2, /* any number of classes: the array "target", f32 [N, classes] of 0 and 1 */
    EK_LABELS_PIXELS = 3,  /* a class for each pixel: the array "target", i16 [N, height, width]; -100 is ignored */
    EK_LABELS_NUMBERS = 4  /* the array "target", f32 [N, columns]; class_names are those of the columns */
} ek_labels;

/* What columns of a table are for. */
typedef enum ek_column_use {
    EK_COLUMN_INPUT = 0,   /* numbers: an array [N, columns] */
    EK_COLUMN_CLASS = 1,   /* a name or a number; or columns of 0 with one 1; a column of image files is one of masks */
    EK_COLUMN_LABELS = 2,  /* names, parted by | ; , or blanks; or columns of 0 and 1; or masks of two classes */
    EK_COLUMN_NUMBERS = 3, /* an array f32 [N, columns] */
    EK_COLUMN_LABEL = 4    /* as the column's name says: label a class, labels several, mask a mask */
} ek_column_use;

/* Columns of a table that become an array. Targets have the name "target", or several have others; the first decides
 * what the set is labelled with. */
typedef struct ek_column_array {
    const char *name; /* of the array */
    const char
        *columns; /* their names, parted by commas; * and ? stand for any text. NULL = the column of the labels */
    ek_column_use use;
    ek_dtype dtype; /* of an input: EK_F32, or EK_I64 for whole numbers; EK_DTYPE_NONE = EK_F32 */
} ek_column_array;

typedef struct ek_dataset_options {
    size_t struct_size;
    int height, width; /* images are resized to this; 0 = as they are (all must then be alike) */
    int64_t limit; /* use at most this many examples, 0 = all: the first ones; of a folder of images, evenly spread */
    uint64_t max_bytes; /* memory for pixels; 0 = 8 GiB. A set that needs more is EK_ERR_LIMIT; of image files so many
                           decoded ones are kept, and the others decoded whenever they are needed */
    int channels;   /* 3 = gray images become RGB with three equal channels; 1 = RGB becomes gray: 0.299 R + 0.587 G +
                       0.114 B (Rec. 601), of pixels rounded to the nearest; 0 = as they are */
    int unlabelled; /* 1 = images.npy alone, or a folder of images without class folders, is a set, too */
    double gain, offset; /* values become gain x + offset, pixels in [0, 1] before it; gain 0 = 1. Makes the set f32 */
    int files_height,
        files_width; /* where height and width are 0: image files become this, arrays stay; 0 = all stay */
    int (*progress)(void *context, int64_t done, int64_t total); /* optional, while image files are decoded; nonzero
                                                                    stops (EK_ERR_INTERRUPTED) */
    void *context;
    const ek_column_array *columns; /* of a table: which columns are meant; NULL = those that are named as usual */
    size_t column_count;
    int columns_only; /* 1 = the images of the table are not read: columns are the inputs */
    int on_demand;    /* 1 = opening reads the headers of image files only: each is decoded when it is first needed, and
                         what is damaged behind its header is found then, or by ek_dataset_check. Masks are always decoded
                       */
} ek_dataset_options;

typedef struct ek_dataset_info {
    const char *kind; /* "idx", "cifar10", "folder", "table", "npy", "strokes", "arrays", "masks" */
    int64_t count;
    int channels, height, width;    /* 0 = no images */
    int classes;                    /* 0 = the examples have no labels; reading gives 0 for each */
    const char *const *class_names; /* `classes` names, never NULL */
} ek_dataset_info;

/* Opens SPEC:
 *     a folder with IDX files (train-images-idx3-ubyte[.gz], t10k-...)       MNIST and its kin
 *     a folder with CIFAR-10 binary files (data_batch_1.bin ..., test_batch.bin; batches.meta.txt optional)
 *     table.csv, or a folder with train.csv, test.csv, val.csv or labels.csv: image paths and labels, in columns of
 *       those names (label, labels or mask), or columns of numbers (options->columns). Without such a split, or a
 * column "split", both splits are the whole table a folder with images/ and masks/, files of equal names in them (PNG
 * masks: a palette's indices, gray values) a folder of class folders of image files (PNG, JPEG, WebP, BMP), at any
 * depth below them; or train/, test/ and val/ folders of those. Without such a split both splits are the whole folder
 *     images.npy,labels.npy        [N,C,H,W] or [N,H,W] u8 or f32, and [N] integers, or [N,classes] with one 1 in each
 *                                   row; the same for both splits
 *     builtin:strokes[:COUNT]      drawn digits, 1x28x28, made from a fixed seed (default 12,000 train, 2,000 test;
 *                                   COUNT train and COUNT / 6, rounded up, test)
 * EK_ERR_IO, EK_ERR_FORMAT (file, what was found, what was expected), EK_ERR_ARG, EK_ERR_LIMIT. `options` may be NULL.
 */
EK_API EK_NODISCARD ek_status ek_dataset_open(const char *spec, ek_split split, const ek_dataset_options *options,
                                              ek_dataset **dataset, ek_error *err);
/* The images `first` to first + count - 1 of a list as a set without labels, in that order. EK_ERR_ARG: beyond it. */
EK_API EK_NODISCARD ek_status ek_dataset_open_images(const ek_image_list *list, size_t first, size_t count,
                                                     const ek_dataset_options *options, ek_dataset **dataset,
                                                     ek_error *err);
/* Takes a part out of a set, which keeps the rest, both in the order that they had: round(fraction N) of N examples, at
 * least one, of each class the same share as near as whole numbers allow, chosen by `seed` alone; every class keeps an
 * example. The part is a set of its own, EK_SPLIT_VALIDATION. EK_ERR_ARG: a fraction that is not above 0 and below 1,
 * or nothing can be taken; the set is as it was. A loader that was made of the set must be made anew. Of arrays the set
 * must outlive the part. */
EK_API EK_NODISCARD ek_status ek_dataset_divide(ek_dataset *dataset, double fraction, uint64_t seed, ek_dataset **part,
                                                ek_error *err);
EK_API void ek_dataset_close(ek_dataset *dataset);
EK_API ek_dataset_info ek_dataset_describe(const ek_dataset *dataset);
/* What the examples are: as asked for, or EK_SPLIT_VALIDATION for a test split that is one, or EK_SPLIT_ALL. */
EK_API ek_split ek_dataset_split(const ek_dataset *dataset);
/* 1 when there is a folder (or a table) for that split, too, in what was opened. Only images in folders and tables say.
 */
EK_API int ek_dataset_has_split(const ek_dataset *dataset, ek_split split);
EK_API ek_labels ek_dataset_labels(const ek_dataset *dataset);
/* How something that could be meant in two ways was understood, as one line; NULL = there is nothing to say. */
EK_API const char *ek_dataset_note(const ek_dataset *dataset);
/* What was left out of a folder of images; returns the number of entries, which live as long as the set. What lies
 * beside the folders of a split is counted with the training split. */
EK_API size_t ek_dataset_skipped(const ek_dataset *dataset, const ek_skipped **skipped);
/* Channels before ek_dataset_options.channels made them gray or RGB; of a folder of images 1 when all are gray, else 3.
 */
EK_API int ek_dataset_stored_channels(const ek_dataset *dataset);

/* One example as f32 in [0, 1] (u8 / 255; f32 data as it is), C x H x W, and its label; either may be NULL. */
EK_API EK_NODISCARD ek_status ek_dataset_read(const ek_dataset *dataset, int64_t index, float *image, int32_t *label,
                                              ek_error *err);

/* Decodes every image file of a set that was opened on_demand, in parallel, and keeps those that max_bytes, and half of
 * the budget (memory.h), have room for. EK_ERR_FORMAT, EK_ERR_IO: the first file that is damaged. Other sets are as
 * they should be. ek_dataset_measure of the whole set costs nothing after it. `progress` may be NULL; nonzero stops
 * (EK_ERR_INTERRUPTED). Not beside other calls on the same set. */
EK_API EK_NODISCARD ek_status ek_dataset_check(ek_dataset *dataset,
                                               int (*progress)(void *context, int64_t done, int64_t total),
                                               void *context, ek_error *err);

/* Mean and deviation per channel over the whole set (two-pass in f64), or over the first `limit` examples. Channels
 * beyond C get 0 and 1. A constant channel has deviation 0, which a loader refuses: give it 1 there. f32 data with NaN
 * or infinity is EK_ERR_NONFINITE. */
EK_API EK_NODISCARD ek_status ek_dataset_measure(const ek_dataset *dataset, int64_t limit, float mean[EK_MAX_CHANNELS],
                                                 float std[EK_MAX_CHANNELS], ek_error *err);

/* ---- Arrays ---- */

/* An array of a batch, row-major, of any type: examples first. */
typedef struct ek_batch_array {
    const char *name;
    ek_dtype dtype;
    int rank;
    int64_t dims[8]; /* dims[0] is the batch's count */
    const void *data;
} ek_batch_array;

/* Where an array comes from: one of path, data and read is given. */
typedef struct ek_array_source {
    const char *name;
    const char *path; /* an .npy file, mapped, so that it may be larger than memory; it must not change meanwhile. The
                         members below are then its own */
    ek_dtype dtype;
    int rank;
    int64_t dims[8];  /* dims[0] examples */
    const void *data; /* borrowed */
    /* Writes example `index`, dims[1] x dims[2] x ... elements. Called by one thread at a time, which may be another
     * than the caller's, and, with ranks, for the examples of this rank. What it returns other than EK_OK ends the
     * epoch. */
    ek_status (*read)(void *context, int64_t index, void *example, ek_error *err);
    void *context;
} ek_array_source;

/* Arrays as a set ("arrays"), example i being row i of each; at most `limit` examples, 0 = all. Batches have them, and
 * no images. EK_ERR_SHAPE: they have not the same number of examples. EK_ERR_IO, EK_ERR_FORMAT: a file. */
EK_API EK_NODISCARD ek_status ek_dataset_open_arrays(const ek_array_source *sources, size_t count, int64_t limit,
                                                     ek_dataset **dataset, ek_error *err);
/* Arrays beside the images of a set, once, before a loader is made. */
EK_API EK_NODISCARD ek_status ek_dataset_add_arrays(ek_dataset *dataset, const ek_array_source *sources, size_t count,
                                                    ek_error *err);
EK_API size_t ek_dataset_array_count(const ek_dataset *dataset);
EK_API ek_batch_array ek_dataset_array(const ek_dataset *dataset, size_t index); /* data: NULL where it is read */
/* One example of an array. */
EK_API EK_NODISCARD ek_status ek_dataset_read_array(const ek_dataset *dataset, size_t array, int64_t index,
                                                    void *example, ek_error *err);

typedef struct ek_loader_options {
    size_t struct_size;
    int64_t batch;               /* examples per batch, >= 1; default 64 */
    int drop_last;               /* 1 = leave out the last short batch; default 0 */
    int shuffle;                 /* 1 = a new order each epoch; default 0 = file order */
    uint64_t seed;               /* of order and augmentation; default 1 */
    float mean[EK_MAX_CHANNELS]; /* x = (pixel - mean) / std; default 0 and 1 */
    float std[EK_MAX_CHANNELS];
    int crop;        /* augmentation: pad by this many pixels of zero (after normalization), crop at random; 0 */
    int flip;        /* augmentation: mirror left-right with probability 1/2; 0 */
    int prefetch;    /* batches prepared ahead in the background; default 2, 0 = none */
    int rank, ranks; /* only this rank's part of each batch is made; default 0 of 1 (0 means 1) */
    int64_t chunk;   /* ranks own whole chunks of so many consecutive examples; default 1 (0 means 1) */
    /* Augmentation, all 0 by default: what is drawn depends on seed, epoch and example alone. */
    float erase; /* a rectangle of 0.02 to 0.33 of the image becomes zero (after normalization) with this probability */
    float jitter[3]; /* brightness, contrast and, of RGB, saturation times a factor in [max(0, 1 - s), 1 + s] */
    float rotate;    /* by up to so many degrees either way, 0 to 180: bilinear, zero outside; before the crop */
    float mixup;     /* a > 0: each example is s x1 + (1 - s) x2 with another one, s of Beta(a, a), 1 - s where that is
                        larger; arrays, which must be float32 or float64, likewise */
    int workers;     /* threads that prepare batches; 0 = one, or where image files are decoded one for each thread of
                        computation. As many as the system makes */
    int reserved_int;
    uint64_t reserved[2];
} ek_loader_options;

/* A batch; the memory is the loader's and valid until the next call. */
typedef struct ek_batch {
    int64_t count;       /* examples here; with one rank, 0 = the epoch is over */
    int64_t index;       /* number of this batch in the epoch, from 0 */
    const float *images; /* count x C x H x W */
    const int32_t *labels;
    const uint64_t *ids;          /* index of each example in the dataset */
    int64_t total;                /* examples of the batch over all ranks; 0 = the epoch is over */
    int64_t first;                /* place in the batch of the first example that is here */
    const ek_batch_array *arrays; /* of a set of arrays (images and labels are then NULL), or beside images */
    size_t array_count;
    const int32_t *others; /* with mixup: labels of the examples mixed in, and ... */
    const float *shares;   /* ... how much is each example's own, 0.5 to 1; NULL = nothing is mixed */
} ek_batch;

EK_API ek_loader_options ek_loader_options_default(void);
EK_API EK_NODISCARD ek_status ek_loader_create(const ek_dataset *dataset, const ek_loader_options *options,
                                               ek_loader **loader, ek_error *err);
EK_API void ek_loader_destroy(ek_loader *loader);
EK_API int64_t ek_loader_batches(const ek_loader *loader); /* per epoch */

/* Goes to batch `first` of `epoch` (so that training resumes anywhere). */
EK_API EK_NODISCARD ek_status ek_loader_start_epoch(ek_loader *loader, int64_t epoch, int64_t first, ek_error *err);
EK_API EK_NODISCARD ek_status ek_loader_next(ek_loader *loader, ek_batch *batch, ek_error *err);

/* Seconds that ek_loader_next has taken so far: waiting for data that are not ready, or making them where nothing is
 * prepared ahead. */
EK_API double ek_loader_waited(const ek_loader *loader);

/* What a loader has done so far. */
typedef struct ek_loader_work {
    int workers;             /* threads that prepare batches */
    int64_t images, decoded; /* examples made; how often one was decoded from its file for that */
    double making, decoding; /* seconds of processor time of all workers; decoding is a part of making */
} ek_loader_work;
EK_API ek_loader_work ek_loader_report(const ek_loader *loader);

/* .npy arrays (numpy format versions 1.0 to 3.0, little-endian, C order; Fortran order is refused with the remedy). */
enum { EK_NPY_MAX_RANK = 8 };
typedef struct ek_npy {
    ek_dtype dtype;
    int rank;
    int64_t dims[EK_NPY_MAX_RANK];
    size_t bytes;
    void *data; /* owned; ek_npy_free */
} ek_npy;

EK_API EK_NODISCARD ek_status ek_npy_read(const char *path, ek_npy *array, ek_error *err);
/* Written beside, flushed and renamed: the file is either the old one or the whole new one. */
EK_API EK_NODISCARD ek_status ek_npy_write(const char *path, ek_dtype dtype, int rank, const int64_t *dims,
                                           const void *data, ek_error *err);
EK_API void ek_npy_free(ek_npy *array);

#ifdef __cplusplus
}
#endif
#endif
