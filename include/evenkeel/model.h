/* model.h: ONNX models: load, build, look into, change and save.
 *
 * An ONNX file is the model; there is no other format. Whatever the engine does not understand (unknown attributes,
 * metadata, fields) is kept and written back unchanged.
 */
#ifndef EVENKEEL_MODEL_H
#define EVENKEEL_MODEL_H

#include <evenkeel/norm.h>
#include <evenkeel/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ek_model ek_model;

enum { EK_MAX_RANK = 8 };

/* A named tensor: of a model's interface, or one of its initializers. Strings and data belong to the model. */
typedef struct ek_tensor_info {
    const char *name;
    ek_dtype dtype;                     /* float16 and bfloat16 are EK_F32 in memory */
    ek_dtype stored;                    /* and then this is EK_F16 or EK_BF16, their type in the file; else 0 */
    int rank;                           /* -1 = unknown */
    int64_t dims[EK_MAX_RANK];          /* -1 = not fixed */
    const char *dim_names[EK_MAX_RANK]; /* name of a dimension that is not fixed, else "" */
    const void *data;                   /* initializers: row-major; else NULL, as of large ones in half precision before
                                           anything has computed with them: ek_model_tensor_data gives them */
    size_t bytes;
} ek_tensor_info;

typedef struct ek_node_info {
    const char *name, *op_type, *domain; /* name may be "" */
    const char *output;                  /* name of the first output */
    int inputs, outputs;
} ek_node_info;

/* A normalization in a model, whatever operator or subgraph it was written as. Names are "" where there is none. First
 * come those that the engine runs as one norm; then those in nested graphs and functions, and those that stay written
 * as they are: these are known, and left alone by whatever changes or trains norms. */
typedef struct ek_model_norm {
    ek_norm_kind kind;
    const char *node, *output;                  /* node name (may be ""), first output */
    const char *scale, *bias, *mean, *variance; /* initializers */
    int64_t channels, groups;
    double epsilon, momentum;        /* momentum in ONNX sense */
    int stats_frozen, affine_frozen; /* the switches kept in the file */
    int64_t
        updates; /* BATCH: batches in the running statistics where these are a debiased average of so many; else 0 */
    const char *path;     /* where it stands: its name, or in a nested graph "if_1/then_branch/bn1" */
    const char *spelling; /* "operator", "written out", "instance norm of groups", ... */
    int apart;            /* 1 = one of those that are left alone */
    int reserved[5];
} ek_model_norm;

/* Reads a model. The file is checked before anything is believed; any bytes give a valid model or an error that names
 * file, place, what was found and what was expected. EK_ERR_IO, EK_ERR_FORMAT, EK_ERR_LIMIT, EK_ERR_UNSUPPORTED. */
EK_API EK_NODISCARD ek_status ek_model_load(const char *path, ek_model **model, ek_error *err);

typedef struct ek_save_options {
    size_t struct_size;
    int opset; /* 0 = the lowest that has all operators (never below the model's own). 17 writes group and RMS norm as
                  subgraphs, which load back as one norm */
    uint64_t reserved[4];
} ek_save_options;

/* A model of its own: what changes in one does not change in the other. Numbers that neither has changed are held once,
 * by `model`, which must outlive the copy. */
EK_API EK_NODISCARD ek_status ek_model_copy(const ek_model *model, ek_model **copy, ek_error *err);

/* Writes a model: beside, flushed, renamed. */
EK_API EK_NODISCARD ek_status ek_model_save(const ek_model *model, const char *path, const ek_save_options *options,
                                            ek_error *err);
/* What ek_model_save would refuse about the model and its opset, before anything is written: EK_ERR_ARG (an opset that
 * cannot be written), EK_ERR_UNSUPPORTED (it lacks an operator). */
EK_API EK_NODISCARD ek_status ek_model_check_save(const ek_model *model, const ek_save_options *options, ek_error *err);
EK_API void ek_model_destroy(ek_model *model);

/* Built-in architectures, written as ONNX graphs with initial weights (He-normal, keyed by seed and parameter name). */
typedef struct ek_architecture {
    const char *name;            /* "cnn6" */
    const char *summary;         /* one line */
    int channels, height, width; /* of the input it is meant for */
} ek_architecture;
EK_API size_t ek_architecture_count(void);
EK_API const ek_architecture *ek_architecture_get(size_t index);

/* Where norms stand: before the activation, after it, or in turn: before in the first layer, after in the second (not
 * in resnet20). */
typedef enum ek_norm_place { EK_PLACE_BEFORE = 0, EK_PLACE_AFTER = 1, EK_PLACE_MIXED = 2 } ek_norm_place;

typedef struct ek_build_options {
    size_t struct_size;
    const char *architecture;
    int channels, height, width; /* of the input */
    int classes;
    ek_norm_kind norm;               /* 0 = none; default BATCH */
    int64_t groups;                  /* GROUP: default 8, lowered to a divisor of a layer's channels where needed */
    ek_norm_place place;             /* default BEFORE */
    double epsilon, momentum;        /* defaults 1e-5, 0.9 (ONNX sense) */
    double dropout;                  /* ratio before the classifier; default 0 = none */
    uint64_t seed;                   /* default 1 */
    ek_activation activation;        /* RELU (default), SIGMOID or TANH; resnet20 and encoder: RELU */
    int hidden_layers, hidden_units; /* mlp; 0 = 3 of 100 */
    uint64_t reserved[2];
} ek_build_options;
EK_API ek_build_options ek_build_options_default(const char *architecture);
EK_API EK_NODISCARD ek_status ek_model_build(const ek_build_options *options, ek_model **model, ek_error *err);

/* Looking in. Indices run from 0 to the count - 1. */
EK_API const char *ek_model_path(const ek_model *model); /* "" when built */
EK_API int64_t ek_model_opset(const ek_model *model);
EK_API size_t ek_model_input_count(const ek_model *model); /* inputs that must be fed */
EK_API ek_tensor_info ek_model_input(const ek_model *model, size_t index);
EK_API size_t ek_model_output_count(const ek_model *model);
EK_API ek_tensor_info ek_model_output(const ek_model *model, size_t index);
EK_API size_t ek_model_node_count(const ek_model *model);
EK_API ek_node_info ek_model_node(const ek_model *model, size_t index);
EK_API size_t ek_model_norm_count(const ek_model *model);
EK_API ek_model_norm ek_model_norm_get(const ek_model *model, size_t index);
EK_API size_t ek_model_tensor_count(const ek_model *model);
EK_API ek_tensor_info ek_model_tensor(const ek_model *model, size_t index);

/* An initializer by name; `data` may be written through the returned pointer. EK_ERR_ARG: no such name. */
EK_API EK_NODISCARD ek_status ek_model_tensor_data(ek_model *model, const char *name, ek_tensor_info *info, void **data,
                                                   ek_error *err);

/* The name of the value that holds the logits: the first output, or the input of its Softmax. */
EK_API const char *ek_model_logits(const ek_model *model);

/* metadata_props. NULL = no such key. Keys of Evenkeel: evenkeel.mean, evenkeel.std ("0.1,0.2,0.3"), evenkeel.size
 * ("48x192", height x width), evenkeel.classes (names joined by newline), evenkeel.freeze.<first output>
 * ("stats,affine"), evenkeel.updates.<first output> (ek_model_norm.updates), evenkeel.opset (the opset that saves write
 * at, unless the options name one), evenkeel.preprocess and evenkeel.preprocess.* (ek_preprocess). Setting NULL removes
 * a key. */
EK_API const char *ek_model_metadata(const ek_model *model, const char *key);
EK_API EK_NODISCARD ek_status ek_model_set_metadata(ek_model *model, const char *key, const char *value, ek_error *err);

/* What a file says of the images that it is for: the extents of its first input where it has four, [N,C,H,W] or
 * [N,H,W,C], else the metadata. Which of the two orders is not written in a file: what reads the input tells, else the
 * extents do. Data sets are fed in the model's order. */
typedef struct ek_model_images {
    int channels, height, width; /* 0 = not said */
    int moments;                 /* channels that mean and deviation are for; 0 = the file has none */
    float mean[4], std[4];       /* the input is (pixel - mean) / std, pixels in [0, 1]; else 0 and 1 */
    int classes;                 /* names that the file has; 0 = none */
    int channels_last;           /* 1 = [N,H,W,C] */
    int reserved[6];
} ek_model_images;
/* EK_ERR_FORMAT: a key does not hold what it should. */
EK_API EK_NODISCARD ek_status ek_model_describe_images(const ek_model *model, ek_model_images *images, ek_error *err);
/* Copies the name of a class, cut to `room` bytes with its end; its whole length, 0 = the file has no such name. */
EK_API size_t ek_model_class_name(const ek_model *model, int index, char *name, size_t room);

/* Sets the switches of the norms that `pattern` means, and keeps them in the metadata. A pattern is a glob over node
 * name, first output and scale-initializer stem ("*" = all), or goes by depth: "until:NAME" (the norms that a node or
 * value is computed from), "first:N", "last:N". -1 = leave a switch as it is. *matched (may be NULL) counts.
 * EK_ERR_ARG: nothing matches (the norms are listed). */
EK_API EK_NODISCARD ek_status ek_model_freeze(ek_model *model, const char *pattern, int stats, int affine,
                                              size_t *matched, ek_error *err);

/* ---- Operators ---- */

/* An ai.onnx operator that the engine runs. */
typedef struct ek_operator {
    const char *name;     /* "Conv" */
    int64_t since, until; /* opsets that it is run for; until 0 = all up to the newest that is known */
} ek_operator;

EK_API size_t ek_operator_count(void);
EK_API ek_operator ek_operator_get(size_t index); /* name NULL where there is none */

#ifdef __cplusplus
}
#endif
#endif
