/* session.h: running a model on arrays.
 *
 * In inference the result for an example has the same bits in any batch, at any position and for any thread count.
 */
#ifndef EVENKEEL_SESSION_H
#define EVENKEEL_SESSION_H

#include <evenkeel/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ek_session ek_session;

typedef enum ek_mode {
    EK_MODE_FILE = 0,      /* every norm and dropout as its node says: what any ONNX runtime does */
    EK_MODE_INFERENCE = 1, /* running statistics and no dropout, whatever the file says */
    EK_MODE_TRAINING = 2   /* batch statistics and dropout; running statistics are not updated by a session */
} ek_mode;

/* An array in row-major order. */
typedef struct ek_array {
    ek_dtype dtype;
    int rank;
    int64_t dims[EK_MAX_RANK];
    void *data;
} ek_array;

/* What backward reads of the forward, and would otherwise be kept, can be computed again there: norms and activations
 * at little cost, convolutions at more. Results, gradients and what is trained have the same bits either way. */
typedef enum ek_memory_use {
    EK_MEMORY_FIT = 0, /* the fastest plan that the memory left allows (ek_memory_allow); keeps everything if it may */
    EK_MEMORY_FASTEST = 1, /* keeps everything; EK_ERR_LIMIT where that does not fit */
    EK_MEMORY_LEAST = 2    /* the least memory that about a quarter more time buys */
} ek_memory_use;

typedef struct ek_session_options {
    size_t struct_size;
    ek_mode mode;               /* default INFERENCE */
    int threads;                /* 0 = OpenMP's default */
    uint64_t seed;              /* dropout in TRAINING */
    int profile;                /* 1 = time operators, see ek_session_profile */
    const char *const *outputs; /* names of values to return instead of the model's outputs (intermediate ones too) */
    size_t output_count;
    int gradients;         /* 1 = ek_session_backward may be called; default 0 */
    int64_t virtual_batch; /* TRAINING: batch norm shares statistics over so many consecutive examples; 0 = all */
    ek_dtype precision;    /* EK_F32 (default, also 0), or EK_BF16: activations, their gradients and the operands of
                              convolutions are bf16 within the session, rounded to nearest even; parameters and their
                              gradients, statistics, sums, inputs and outputs stay f32. EK_ERR_UNSUPPORTED: the processor
                              has no AVX512_BF16 */
    ek_memory_use memory;  /* with gradients; default FIT */
    uint64_t reserved[5];
} ek_session_options;

EK_API ek_session_options ek_session_options_default(void);
/* Whether this processor can compute in a precision, as ek_session_options.precision asks for it. */
EK_API int ek_precision_supported(ek_dtype precision);

/* The model must outlive the session; changing its initializers needs a new session. Planning for new input shapes
 * works on the model: two threads must not create or run sessions of one model at the same time. */
EK_API EK_NODISCARD ek_status ek_session_create(ek_model *model, const ek_session_options *options,
                                                ek_session **session, ek_error *err);
EK_API void ek_session_destroy(ek_session *session);

/* Another value for an input that has a default: an initializer that the graph lists among its inputs too, which
 * ek_model_input leaves out. Of the type and the extents that the file declares; copied, and rounded where the file
 * stores half precision. It holds for sessions made afterwards and for saves; none may exist meanwhile.
 * EK_ERR_ARG: `name` is no such input. EK_ERR_SHAPE, EK_ERR_DTYPE. */
EK_API EK_NODISCARD ek_status ek_model_set_default(ek_model *model, const char *name, const ek_array *array,
                                                   ek_error *err);

/* Whether one of the session's outputs depends on input `index` of the model. */
EK_API int ek_session_needs_input(const ek_session *session, size_t index);

/* Inputs in the order of ek_model_input; one that the session does not need may be {0}, or, at the end, left out. One
 * that the file stores in half precision may be given so, or as f32. All arithmetic is f32 (but options.precision),
 * and so are the outputs, whatever the file's type. EK_ERR_ARG, EK_ERR_SHAPE, EK_ERR_DTYPE name the input;
 * EK_ERR_FORMAT names a node that no run can satisfy. */
EK_API EK_NODISCARD ek_status ek_session_run(ek_session *session, const ek_array *inputs, size_t input_count,
                                             ek_error *err);
EK_API size_t ek_session_output_count(const ek_session *session);
/* An output of the last run; the memory is the session's and valid until the next run. */
EK_API ek_array ek_session_output(const ek_session *session, size_t index);
/* Gradients, with options.gradients: given the gradient of output `index` (as many numbers as the output has), finds
 * those of the inputs and parameters, for the last run and that output alone. Once per run; parameters are read anew at
 * each run, so that they may be changed between runs.
 * EK_ERR_STATE: no run before, twice after one run, or options.gradients not set. EK_ERR_ARG: no such output. */
EK_API EK_NODISCARD ek_status ek_session_backward(ek_session *session, size_t index, const float *gradient,
                                                  ek_error *err);
/* Gradient of an input, or of a parameter by its name, in its shape; valid until the next run. data is NULL where no
 * gradient reaches it. */
EK_API ek_array ek_session_input_gradient(const ek_session *session, size_t index);
EK_API ek_array ek_session_parameter_gradient(const ek_session *session, const char *name);

EK_API const char *ek_session_output_name(const ek_session *session, size_t index);

/* Seconds spent per operator type. */
typedef struct ek_profile_row {
    const char *op_type;
    double forward, backward; /* seconds in all */
    int64_t calls;
    const char *kind; /* "convolution", "normalization" or "rest" */
} ek_profile_row;
EK_API size_t ek_session_profile(const ek_session *session, ek_profile_row *rows, size_t room);

/* What lies between the operators, at the input shapes of the last run (with gradients also of its backward). */
typedef struct ek_memory_report {
    size_t bytes, plain_bytes;                 /* in all; if everything were kept */
    size_t results, gradients, saved, scratch; /* where most is needed at once: results of operators, gradients of them,
                                                  statistics and the like, room for single operators */
    size_t prepared;                           /* weights in the layouts of operators, beside all that */
    int64_t steps, again; /* operators that run, and those that run forward once more in backward */
    double time;          /* expected, of a run that keeps everything = 1 */
    char again_text[256]; /* which: "BatchNormalization 19, Relu 3" */
} ek_memory_report;
/* All 0 before the first run. */
EK_API ek_memory_report ek_session_memory(const ek_session *session);

#ifdef __cplusplus
}
#endif
#endif
