/* surgery.h: examining and changing trained models: inspect, compare, fold, unfold, diff, recalibrate, a new head.
 *
 * ek_recalibrate, ek_replace_head and ek_set_input change the model that they are given, nothing else does, and nothing
 * writes files: results are models and reports. Strings in a report belong to the report.
 */
#ifndef EVENKEEL_SURGERY_H
#define EVENKEEL_SURGERY_H

#include <evenkeel/data.h>
#include <evenkeel/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Inspect: the norms of a model and what is odd about them ---- */

/* Smallest and largest value of a parameter; count 0 = the norm has none, or it is no constant. */
typedef struct ek_range {
    int64_t count, nonfinite;
    double minimum, maximum; /* of the finite ones */
} ek_range;

typedef enum ek_place_seen {
    EK_SEEN_NEITHER = 0, /* no activation beside the norm */
    EK_SEEN_BEFORE = 1,  /* the norm stands before the activation */
    EK_SEEN_AFTER = 2,   /* ... after it */
    EK_SEEN_BETWEEN = 3  /* one on each side */
} ek_place_seen;

typedef struct ek_norm_seen {
    ek_model_norm norm;
    const char *name;   /* node name, or first output */
    const char *feeder; /* operator that makes its input; "input" = a graph input */
    int training;       /* 1 = takes the statistics of each batch, by what the file says */
    ek_place_seen place;
    int foldable;     /* 1 = ek_fold would remove it */
    const char *fold; /* into what, or why not */
    ek_range scale, bias, mean, variance;
} ek_norm_seen;

typedef enum ek_severity { EK_NOTE = 0, EK_WARNING = 1, EK_SEVERE = 2 } ek_severity;

typedef struct ek_finding {
    ek_severity severity;
    const char *code; /* "never-updated"; the list is in docs/surgery.md */
    const char *norm; /* name, or "" = the whole model */
    const char *text, *remedy;
    int64_t norm_index; /* of ek_inspection_norm; -1 = the whole model, or a norm that is not listed */
} ek_finding;

typedef enum ek_norm_part {
    EK_PART_SCALE = 0,
    EK_PART_BIAS = 1,
    EK_PART_MEAN = 2,
    EK_PART_VARIANCE = 3,
    EK_PARTS = 4
} ek_norm_part;

typedef struct ek_inspection ek_inspection;

EK_API EK_NODISCARD ek_status ek_inspect(const ek_model *model, ek_inspection **inspection, ek_error *err);
EK_API void ek_inspection_destroy(ek_inspection *inspection);
EK_API size_t ek_inspection_norm_count(const ek_inspection *inspection);
EK_API const ek_norm_seen *ek_inspection_norm(const ek_inspection *inspection, size_t index);
EK_API size_t ek_inspection_finding_count(const ek_inspection *inspection); /* worst first */
EK_API const ek_finding *ek_inspection_finding(const ek_inspection *inspection, size_t index);
/* Copies the values of a norm's parameter, in the order of the file; `room` is at least the `count` of its range.
 * EK_ERR_ARG: no such norm or part, or less room. */
EK_API EK_NODISCARD ek_status ek_inspection_values(const ek_inspection *inspection, size_t index, ek_norm_part part,
                                                   double *values, size_t room, ek_error *err);

/* ---- Compare: two models on the same inputs ---- */

/* The array of an input; its data stay the caller's. */
typedef struct ek_check_input {
    const char *name;
    ek_array array;
} ek_check_input;

/* The shape that an input, or a value inside the model, is to have in a check. */
typedef struct ek_check_shape {
    const char *name;
    int rank;
    int64_t dims[EK_MAX_RANK];
} ek_check_shape;

typedef struct ek_compare_options {
    size_t struct_size;
    uint64_t seed; /* default 1 */
    int runs;      /* default 3 */
    int64_t batch; /* default 2; for a dimension 0 that is not fixed */
    int64_t size;  /* for other dimensions that are not fixed; default 0 = 64, then 224, then 32 are tried */
    int threads;
    int timed;                    /* how often each model is also timed, in turns, one example each; default 0 */
    const ek_check_input *inputs; /* in place of random numbers; default none */
    size_t input_count;
    const ek_check_shape *shapes; /* in place of what the file declares; default none */
    size_t shape_count;
    uint64_t reserved[4];
} ek_compare_options;

typedef struct ek_comparison {
    double worst;       /* max |a - b| / max |a| over outputs and runs, before a final Softmax, logarithm or root */
    const char *output; /* where; belongs to the first model */
    int runs;
    int timed;                   /* timed runs of each model; fewer than asked for where they take long */
    double seconds_a, seconds_b; /* median of those */
} ek_comparison;

EK_API ek_compare_options ek_compare_options_default(void);
/* Both as their files say (EK_MODE_FILE). Random numbers are normal; where `a` gives nothing finite for those,
 * positive, then between 0 and 1. EK_ERR_SHAPE: inputs or outputs differ. EK_ERR_NONFINITE: `a` gives NaN or infinity
 * for all of them, or `b` does where `a` does not. EK_ERR_LIMIT: an input would take more than 2 GiB, or a quarter of
 * the memory. */
EK_API EK_NODISCARD ek_status ek_compare(ek_model *a, ek_model *b, const ek_compare_options *options,
                                         ek_comparison *result, ek_error *err);

/* ---- Prove: what a change did to a model, region by region, and as a whole where that can run ---- */

/* Nodes that hang together and differ between the models. Each side is cut out as a model of its own and fed the same
 * values at its boundary. Where all regions do the same, and everything else is the same, the models do the same,
 * whatever the rest of the graph is made of. */
typedef struct ek_proof_region {
    const char *output; /* its value, or the worst of several */
    size_t nodes_before, nodes_after;
    int proved;                   /* 1 = both sides ran */
    double difference, tolerance; /* max |a - b| / max |a|; by the type that its numbers are stored in */
    const char *text;             /* why it could not run, or "" */
} ek_proof_region;

typedef struct ek_proof_options {
    size_t struct_size;
    ek_compare_options compare; /* an ek_compare_options_default(); inputs and shapes may name values at boundaries */
    double tolerance;           /* default -1 = 1e-4; 1e-2 where numbers are stored in float16, 5e-2 in bfloat16 */
    uint64_t reserved[8];
} ek_proof_options;

typedef enum ek_verdict {
    EK_VERDICT_PROVED = 0,  /* every change, by its region or by the whole model */
    EK_VERDICT_DIFFERS = 1, /* by more than the tolerance */
    EK_VERDICT_OPEN = 2     /* a region could not run, nor could the whole model */
} ek_verdict;

typedef struct ek_proof_result {
    ek_verdict verdict;
    double worst, tolerance;  /* where it is judged: the region or output that is worst beside its tolerance */
    const char *output;       /* "" = nothing was compared */
    size_t regions, proved;   /* how many there are, and ran */
    int whole;                /* 1 = the whole models ran */
    const char *why;          /* why they did not, or "" */
    ek_comparison comparison; /* of the whole models, where they ran */
} ek_proof_result;

typedef struct ek_proof ek_proof;

EK_API ek_proof_options ek_proof_options_default(void);
/* Compares a model with what became of it. The models must outlive the proof. A change that goes wrong is a verdict,
 * not an error. EK_ERR_ARG: a name among the inputs or shapes that the model does not have. EK_ERR_LIMIT: an input is
 * too large for a check. */
EK_API EK_NODISCARD ek_status ek_prove(ek_model *before, ek_model *after, const ek_proof_options *options,
                                       ek_proof **proof, ek_error *err);
EK_API void ek_proof_destroy(ek_proof *proof);
EK_API const ek_proof_result *ek_proof_result_of(const ek_proof *proof);
EK_API size_t ek_proof_region_count(const ek_proof *proof);
EK_API const ek_proof_region *ek_proof_region_get(const ek_proof *proof, size_t index);

/* ---- Reports of changes ---- */

typedef struct ek_edit_row {
    const char *norm; /* norm or layer: node name, or first output */
    int changed;
    const char *text; /* what it became, or why it stays */
    int already;      /* 1 = it stays because it is what was asked for */
} ek_edit_row;

typedef struct ek_edit_report ek_edit_report;

EK_API void ek_edit_report_destroy(ek_edit_report *report);
EK_API size_t ek_edit_report_count(const ek_edit_report *report);
EK_API const ek_edit_row *ek_edit_report_row(const ek_edit_report *report, size_t index);

/* ---- Fold: batch norms into the convolutions and products beside them ---- */

/* A new model without the norms that could be folded, and a row per batch norm (and per run of Mul, Div, Add, Sub that
 * folds without one). Arithmetic in f64, rounded once.
 * `folded` borrows the data of `model`, which must outlive it. Call ek_prove to see that both do the same. */
EK_API EK_NODISCARD ek_status ek_fold(const ek_model *model, ek_model **folded, ek_edit_report **report, ek_error *err);

/* ---- Unfold: batch norms behind convolutions, for models that are to be tuned again ---- */

typedef struct ek_unfold_options {
    size_t struct_size;
    const char *pattern;       /* glob over node names, first outputs and stems of weights; default "*" */
    double epsilon;            /* default 0 = 1e-5, or what half precision can hold beside 1 */
    double momentum;           /* in ONNX sense; default 0.9 */
    const ek_dataset *dataset; /* measures mean and variance; default NULL = the identity */
    int64_t batch;             /* with a dataset; default 0 = 64; changes no result */
    int threads;
    int (*progress)(void *context, int64_t done, int64_t total); /* optional; nonzero stops (EK_ERR_INTERRUPTED) */
    void *context;
    uint64_t reserved[8];
} ek_unfold_options;

EK_API ek_unfold_options ek_unfold_options_default(void);
/* A new model with a batch norm behind each Conv and ConvTranspose that matches, and a row for each of them. Without a
 * dataset: scale 1, bias 0, mean 0, variance 1 - epsilon, so that y = x exactly. With one: mean and variance of the
 * convolution's output over it (as ek_recalibrate measures them), scale = sqrt(variance + epsilon), bias = mean, so
 * that y = x up to rounding. `unfolded` borrows the data of `model`, which must outlive it. EK_ERR_ARG: nothing
 * matches. */
EK_API EK_NODISCARD ek_status ek_unfold(const ek_model *model, const ek_unfold_options *options, ek_model **unfolded,
                                        ek_edit_report **report, ek_error *err);

/* ---- Convert: norms of one kind into another, and repairs ---- */

typedef enum ek_norm_target {
    EK_TO_KEEP = 0,
    EK_TO_BATCH = 1,
    EK_TO_GROUP = 2,
    EK_TO_LAYER = 3, /* over channels and space of an example, scale and bias per channel: a group norm of one group */
    EK_TO_INSTANCE = 4,
    EK_TO_FROZEN = 5 /* Mul and Add per channel */
} ek_norm_target;

typedef struct ek_convert_options {
    size_t struct_size;
    const char *pattern; /* glob over node names, first outputs and stems of scales; default "*" */
    ek_norm_target norm; /* default EK_TO_KEEP */
    int64_t groups;      /* EK_TO_GROUP; default 8, lowered to a divisor of the channels */
    int opset;           /* raises the model to this opset; default 0 = only where a group norm needs 21 */
    int inference;       /* 1 = batch norms that take the statistics of each batch take the running ones */
    int from_torch;      /* 1 = momentum is PyTorch's: m becomes 1 - m */
    int64_t torch_batch; /* with from_torch: batch that was trained with; the running variance, which PyTorch divides by
                            n - 1, becomes the population's; default 0 = it stays */
    const ek_dataset *dataset; /* fits scale and bias; default NULL = they are carried over */
    int64_t batch;             /* with a dataset; default 0 = 64; changes no result */
    int threads;
    int (*progress)(void *context, int64_t done, int64_t total); /* optional; nonzero stops (EK_ERR_INTERRUPTED) */
    void *context;
    /* The form of norms that stay what they are; all 0 by default. The pattern is a glob for these. */
    int fuse;      /* 1 = norms that are written out become the one node that the opset has */
    int spell_out; /* 1 = the reverse: layer, RMS, instance, group and mean-variance norms as nodes of the opset */
    int untie;     /* 1 = a tensor that several parameters of norms and layers read becomes one tensor each */
    uint64_t reserved[6];
} ek_convert_options;

EK_API ek_convert_options ek_convert_options_default(void);
/* A new model with other norms, and a row per norm. A batch norm becomes a Mul and an Add exactly, and these a batch
 * norm again. Between norms that take different statistics no conversion is exact: with a dataset scale and bias of
 * each new norm (and mean and variance of a batch norm) are the least-squares fit to what the old one gave, behind
 * norms that are fitted already; *drift (may be NULL) is then max |a - b| / max |a| of the logits over the data, else
 * negative. `converted` borrows the data of `model`, which must outlive it. EK_ERR_ARG: nothing to do, or nothing
 * matches. EK_ERR_UNSUPPORTED: an operator that cannot move to the opset. */
EK_API EK_NODISCARD ek_status ek_convert(ek_model *model, const ek_convert_options *options, ek_model **converted,
                                         ek_edit_report **report, double *drift, ek_error *err);

/* Every batch norm that the file has in training mode (by training_mode, is_test or its outputs, as its opset has it)
 * takes its running statistics from now on; *changed (may be NULL) is how many. Trainers and ek_recalibrate do not care
 * for what a file says of it, other programs do. EK_ERR_UNSUPPORTED: the other outputs of some are read, so that they
 * stay as they are; the rest is changed all the same. */
EK_API EK_NODISCARD ek_status ek_set_inference(ek_model *model, size_t *changed, ek_error *err);

/* ---- Preprocess: pixels of any size as input of the file ---- */

typedef enum ek_pixels {
    EK_PIXELS_U8_NHWC = 1, /* bytes, [N,H,W,C] */
    EK_PIXELS_U8_NCHW = 2, /* bytes, [N,C,H,W] */
    EK_PIXELS_FLOAT = 3    /* float32 from 0 to 255, [N,C,H,W] */
} ek_pixels;

typedef struct ek_preprocess_options {
    size_t struct_size;
    ek_pixels pixels;    /* default EK_PIXELS_U8_NHWC */
    int channels;        /* of the pixels: 1 = gray, 3 = RGB; default 0 = as many as the model takes */
    int height, width;   /* where the file does not say what the model takes; default 0 */
    int probabilities;   /* 1 = a Softmax behind the logits, where there is none */
    const char *classes; /* names joined by newline, for a file that has none; default NULL */
    uint64_t reserved[8];
} ek_preprocess_options;

EK_API ek_preprocess_options ek_preprocess_options_default(void);
/* Puts into the graph what ek_predict does to an image: gray or RGB, resize with a triangle filter to whole numbers,
 * [0, 1], mean and deviation by the metadata, the model's order of axes. The input is then `pixels`, images of any one
 * size. Sessions, trainers and measurements go on as without it: they take images prepared, and nothing is done twice.
 * EK_ERR_UNSUPPORTED: not one float input of rank 4, an opset below 11, a second preprocessing. EK_ERR_ARG,
 * EK_ERR_SHAPE: the size. The model is as it was when it fails. */
EK_API EK_NODISCARD ek_status ek_preprocess(ek_model *model, const ek_preprocess_options *options, ek_error *err);
/* Takes it out; what is saved then has the bytes that it had before. EK_ERR_ARG: there is none. EK_ERR_FORMAT: the
 * graph was changed since, so that it cannot be told apart. */
EK_API EK_NODISCARD ek_status ek_strip_preprocess(ek_model *model, ek_error *err);

/* ---- Diff: what changed between two files, or between two models ---- */

typedef struct ek_change {
    const char *kind;  /* "opset", "ir-version", "metadata", "input", "output", "node", "node-added", "node-removed",
                          "attribute", "tensor", "tensor-type", "tensor-added", "tensor-removed"; of files also "model",
                          "graph", "function", "value-info", "annotation", "training", "order", "stored" */
    const char *name;  /* of the node, value, tensor or function, key of the metadata; may be "" */
    const char *text;  /* "0.9 -> 0.1" */
    double difference; /* tensor: max |a - b| / max |a|; infinity where there is none */
} ek_change;

typedef struct ek_diff ek_diff;

/* What the files say, field by field: every graph and function in them, what nothing uses, and external data. No change
 * means that any reader of protobuf gets the same message from both, and the same numbers from the files beside them.
 * Not told is how a number is encoded, whether a list is packed, and the order of fields of different kinds; an absent
 * number or text says the same as zero or the empty one. Equal numbers stored otherwise (typed or raw) are a change,
 * "stored". Memory does not grow with the tensors. EK_ERR_FORMAT, EK_ERR_IO, EK_ERR_LIMIT name the file. */
EK_API EK_NODISCARD ek_status ek_diff_files(const char *a, const char *b, ek_diff **diff, ek_error *err);

/* What the models compute, as the engine reads them: of the graph itself, after loading. */
EK_API EK_NODISCARD ek_status ek_diff_models(const ek_model *a, const ek_model *b, ek_diff **diff, ek_error *err);

EK_API void ek_diff_destroy(ek_diff *diff);
EK_API size_t ek_diff_count(const ek_diff *diff); /* 0 = equal; tensors last, largest difference first */
EK_API const ek_change *ek_diff_change(const ek_diff *diff, size_t index);
/* Where the change is: "" = in the model or its graph, "if_1/then_branch" = in a graph of node if_1, "com.example.F" =
 * in that function. */
EK_API const char *ek_diff_place(const ek_diff *diff, size_t index);

/* ---- Head: another classifier on a trained network ---- */

typedef struct ek_head_options {
    size_t struct_size;
    int64_t classes; /* >= 1 */
    const char *cut; /* NULL = replace the last Gemm, MatMul or Conv before the logits. Else a node or value: the graph
                        ends there, averaged over height and width where it has them, with a linear layer behind */
    uint64_t seed;   /* of the new weights: normal, deviation sqrt(1 / features); the bias is zero. Default 1 */
    uint64_t reserved[4];
} ek_head_options;

typedef struct ek_head_result {
    int64_t features, classes_before; /* classes_before: 0 with `cut` */
    char text[256];                   /* where the new weights are */
} ek_head_result;

EK_API ek_head_options ek_head_options_default(int64_t classes);
/* Gives the model a classifier for `classes`. Everything else keeps its bytes. EK_ERR_UNSUPPORTED says where the way
 * back from the logits ended; EK_ERR_ARG: no such value to cut at. The model is as it was when it fails. */
EK_API EK_NODISCARD ek_status ek_replace_head(ek_model *model, const ek_head_options *options, ek_head_result *result,
                                              ek_error *err);

/* Gives the model's only input other extents: per dimension a number, 0 = as it is, -1 = any (dimension 0, the batch).
 * EK_ERR_SHAPE: the graph does not work with those; the model is as it was. */
EK_API EK_NODISCARD ek_status ek_set_input(ek_model *model, const int64_t dims[4], ek_error *err);

/* ---- Recalibrate: the statistics of batch norms, measured over a data set ---- */

typedef struct ek_recalibrate_options {
    size_t struct_size;
    int64_t batch; /* default 64; changes time and memory, never results but those of one_pass */
    int threads;
    int one_pass; /* 1 = all norms in one pass, each on the batch statistics of those below, so that the batch size
                     counts; default 0: each on norms that are done */
    double blend; /* in [0, 1): weight of the statistics that were there; default 0. new = blend old + (1 - blend)
                     measured, for mean and variance each */
    int64_t old_images; /* > 0: the statistics that were there count as those of so many images, merged as populations:
                           the distance between the means adds to the variance; not with blend. Default 0 */
    int use_metadata;   /* 1 (default) = normalize images with evenkeel.mean/std of the model */
    int (*progress)(void *context, int64_t done, int64_t total); /* optional; nonzero stops (EK_ERR_INTERRUPTED) */
    void *context;
    int64_t sample; /* > 0: only so many examples, picked over the whole set, always the same; default 0 = all */
    uint64_t reserved[7];
} ek_recalibrate_options;

typedef struct ek_recalibrated {
    const char *norm;
    int updated;
    const char *text;             /* why not updated, or "" */
    int64_t channels, values;     /* values measured for each channel */
    double shift_mean, shift_max; /* |new mean - old mean| / old deviation, over the channels */
    double ratio_min, ratio_max;  /* new variance / old variance, epsilon added to both */
    int64_t lost;                 /* channels that had no finite statistics, and do not count in the four above */
} ek_recalibrated;

typedef struct ek_recalibration ek_recalibration;

EK_API ek_recalibrate_options ek_recalibrate_options_default(void);
/* Replaces the running mean and variance of each batch norm by those of its input over the data set: population
 * statistics, every value counted once, in f64, dropout off. Labels are not looked at. Norms with frozen or shared
 * statistics are left alone. When it fails the model is as it was. EK_ERR_NONFINITE names norm and channel. */
EK_API EK_NODISCARD ek_status ek_recalibrate(ek_model *model, const ek_dataset *dataset,
                                             const ek_recalibrate_options *options, ek_recalibration **report,
                                             ek_error *err);
EK_API void ek_recalibration_destroy(ek_recalibration *report);
EK_API size_t ek_recalibration_count(const ek_recalibration *report);
EK_API const ek_recalibrated *ek_recalibration_row(const ek_recalibration *report, size_t index);

#ifdef __cplusplus
}
#endif
#endif
