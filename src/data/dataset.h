/* dataset.h: a labelled set in memory, and what the formats use to build one. */
#ifndef EKI_DATASET_H
#define EKI_DATASET_H

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/walk.h"

#include <evenkeel/data.h>

/* An array whose rows are examples. */
typedef struct eki_field {
    const char *name, *shown; /* shown: in messages, its file */
    ek_dtype dtype;
    int rank;
    int64_t dims[EK_NPY_MAX_RANK]; /* dims[0]: rows of the file */
    size_t row_bytes;
    eki_map map;
    void *owned;                                                                   /* freed with the set */
    const unsigned char *data;                                                     /* of all rows, or ... */
    ek_status (*read)(void *context, int64_t index, void *example, ek_error *err); /* ... who gives one */
    void *context;
    bool mask; /* i16 of the images' height and width: it moves with its image */
} eki_field;

struct ek_dataset {
    eki_arena arena; /* names */
    ek_dataset_info info;
    ek_dtype dtype;        /* EK_U8 or EK_F32 */
    int stored_channels;   /* before they were made gray or RGB */
    size_t example_values; /* C x H x W */
    unsigned char *pixels; /* u8 examples, or NULL */
    float *values;         /* f32 examples, or NULL */
    float of_byte[256];    /* the value of a u8 pixel */
    uint64_t *bins;        /* of a u8 set, 256 for each channel: how many pixels have that byte; NULL = not counted */
    struct eki_image_files *files; /* u8 examples that are decoded when they are asked for, or NULL */
    int64_t *members;              /* of the files, by example; NULL = in order */
    int32_t *labels;               /* 0 <= label < info.classes */
    uint64_t max_bytes;            /* limit on pixel memory */
    const char *image_name;        /* for messages: where the examples came from */
    eki_skips skips;               /* what was left out */
    const char *note;              /* how something was understood, or NULL */
    ek_split split;                /* what the examples are, whatever was asked for */
    bool has[EK_SPLIT_ALL];        /* splits that are there */
    eki_field *fields;             /* arrays, alone or beside images */
    size_t n_fields;
    int64_t *rows;      /* of the arrays, by example; NULL = in order */
    ek_labels labelled; /* with what, where it is not classes */
};

/* What ek_dataset_open was asked for, checked. */
typedef struct eki_open_args {
    const char *spec;
    ek_split split;
    int height, width;             /* both 0 or both positive */
    int files_height, files_width; /* the same, of image files */
    int64_t limit;                 /* 0 = all */
    int channels;                  /* 0 = as they are, 1 = gray, 3 = RGB */
    bool unlabelled;               /* sets without labels are welcome */
    bool on_demand;                /* files may stay undecoded */
    float gain, offset;
    const ek_column_array *columns; /* of a table */
    size_t column_count;
    bool columns_only;                                           /* no images */
    uint64_t most;                                               /* bytes of what is read into memory */
    int (*progress)(void *context, int64_t done, int64_t total); /* may be NULL */
    void *context;
} eki_open_args;

enum { EKI_MAX_CLASSES = 65536, EKI_MAX_SIDE = 65536 };

/* EK_ERR_IO: a validation split was asked for. */
ek_status eki_fail_no_validation(const char *name, ek_error *err);

/* Number of examples used out of `total`, and, evenly spread, which one is number `example` of `count`. */
int64_t eki_open_count(const eki_open_args *args, int64_t total);
size_t eki_open_pick(size_t example, size_t count, size_t total);

/* Sets count and shape of a u8 set and allocates zeroed labels; whose pixels are elsewhere. `name` is copied. */
ek_status eki_dataset_outline(ek_dataset *dataset, const char *name, int64_t count, const int64_t chw[3],
                              ek_error *err);

/* Sets count and shape and allocates zeroed pixels (or values) and labels, within the memory limit. `name` is copied.
 */
ek_status eki_dataset_reserve(ek_dataset *dataset, const char *name, ek_dtype dtype, int64_t count,
                              const int64_t chw[3], ek_error *err);

/* The same with examples that exist already: `data` of eki_alloc becomes the set's own when the call succeeds. */
ek_status eki_dataset_adopt(ek_dataset *dataset, const char *name, ek_dtype dtype, int64_t count, const int64_t chw[3],
                            void *data, ek_error *err);

/* Rec. 601's luma of 8-bit RGB, rounded: the weights 0.299, 0.587 and 0.114 in 1/65536, which sum to 65536. */
static inline unsigned char eki_luma(unsigned char r, unsigned char g, unsigned char b) {
    return (unsigned char)((r * 19595U + g * 38470U + b * 7471U + 32768U) >> 16);
}

/* What is done to the values of a set that was opened: gray to RGB or RGB to gray, gain and offset. */
ek_status eki_dataset_adjust(ek_dataset *dataset, const eki_open_args *args, ek_error *err);

/* ---- examples.c ---- */
/* Room for one example that is decoded, in *room; NULL where none is needed. */
ek_status eki_dataset_room(const ek_dataset *dataset, unsigned char **room, ek_error *err);
/* A u8 example: where it lies, or decoded into `room`. Any number of threads at a time. */
ek_status eki_dataset_bytes(const ek_dataset *dataset, size_t index, unsigned char *room, const unsigned char **bytes,
                            ek_error *err);

/* ---- arrays.c ---- */
/* EK_ERR_UNSUPPORTED: the examples are arrays alone. */
ek_status eki_needs_images(const ek_dataset *dataset, ek_error *err);
/* *rows: how many each must have, 0 = as the first has. */
ek_status eki_fields_add(ek_dataset *dataset, const ek_array_source *sources, size_t count, int64_t *rows,
                         ek_error *err);
/* Room for `count` arrays of the set's own, and one of them: `data` of eki_alloc becomes the set's. */
ek_status eki_fields_reserve(ek_dataset *dataset, size_t count, ek_error *err);
ek_status eki_field_own(ek_dataset *dataset, const char *name, ek_dtype dtype, int rank, const int64_t *dims,
                        void *data, ek_error *err);
void eki_fields_free(ek_dataset *dataset);
ek_status eki_field_read(const eki_field *field, int64_t index, void *to, ek_error *err);

/* Sets the class names: a copy of `names`, or the numbers 0, 1, ... when it is NULL. */
ek_status eki_dataset_name_classes(ek_dataset *dataset, int classes, const char *const *names, ek_error *err);

#endif
