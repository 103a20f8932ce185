/* op.h: what an operator is to the engine. One operator = one file in op/ and one row in ops/ops.def.
 *
 * An operator has up to six functions:
 *     infer     shapes, types and, where they are known, values of the outputs (works with symbolic dimensions)
 *     prepare   once per plan (concrete shapes): choose layouts, make primitives, ask for scratch and saved memory
 *     forward   compute the outputs
 *     again     compute the outputs once more, in backward, to the same bits; without it forward is called
 *     backward  compute the gradients of inputs from those of outputs
 *     commit    make state of the step permanent (running statistics)
 * and `release` for what prepare allocated.
 */
#ifndef EKI_OP_H
#define EKI_OP_H

#include "dnnl/adapter.h"
#include "onnx/graph.h"

#include <evenkeel/norm.h>

enum { EKI_MAX_IO = 64 }; /* inputs or outputs of one node (Concat, Sum) */

/* What infer sees and fills. */
typedef struct eki_infer {
    eki_graph *graph;
    const eki_node *node;
    int64_t opset; /* of the node's domain */
    struct {
        ek_dtype dtype;
        eki_shape shape;
        const eki_tensor *constant; /* NULL = not known before running */
        bool present;
    } in[EKI_MAX_IO], out[EKI_MAX_IO]; /* out[].constant may be set to an arena tensor: constant folding */
    ek_error *err;
} eki_infer;

typedef ek_status (*eki_infer_fn)(eki_infer *infer);

/* A tensor of a plan: concrete shape, layout, memory. The type is the value's or, for one of float32 in a plan with
 * bf16, EK_BF16; the gradient has the tensor's type. Blocked layouts apply to rank 3 to 5 and pad channels with
 * zeros: a blocked tensor's padding holds zeros always. */
typedef struct eki_view {
    ek_dtype dtype;
    eki_shape shape; /* logical (N, C, ...) order, all known */
    ek_layout layout;
    void *data;    /* valid while the step runs */
    double *bound; /* in a plan: nothing in data is larger in magnitude; INFINITY = not known (op/op_bound.h) */
} eki_view;

size_t eki_view_elements(const eki_view *view); /* stored elements, padding included */

typedef struct eki_step eki_step;
typedef struct eki_plan eki_plan;
typedef ek_status (*eki_step_fn)(eki_step *step, ek_error *err);

/* What the planner adds to a norm or a convolution, where it can: y = f(norm(x) + residual). The residual is of the
 * shape of output 0 and is no input of the node; its members are to it what those of the step are to an input. */
typedef struct eki_tail {
    eki_activation activation; /* of a norm: ReLU or none */
    bool residual;             /* whether there is one */
    int64_t shuffle;           /* the step is a channel shuffle of so many groups */
    eki_view in;               /* the residual */
    ek_layout in_layout;       /* set by prepare */
    ek_dtype in_type;          /* set by prepare */
    bool in_place; /* set by prepare: output 0 may lie where the residual lies, as with the step's in_place */
    bool want_din;
    void *din;
} eki_tail;

#define EKI_ANY_INPUT UINT32_MAX /* of in_place */

struct eki_step {
    const struct eki_op *op;
    const eki_node *node; /* NULL for steps the planner adds (reorder) */
    eki_plan *plan;
    int64_t opset;
    int n_in, n_out;
    eki_tail tail;
    eki_view in[EKI_MAX_IO];                /* data NULL = absent */
    eki_view out[EKI_MAX_IO];               /* data NULL = nobody wants it (forward still may skip it) */
    const eki_tensor *constant[EKI_MAX_IO]; /* of inputs whose value is known at plan time, else NULL */
    bool has_in[EKI_MAX_IO], has_out[EKI_MAX_IO];
    bool is_parameter[EKI_MAX_IO]; /* input is an initializer (its data may change between runs when training) */
    void *din[EKI_MAX_IO]; /* backward: where the gradient of an input goes (overwrite all of it); NULL = not wanted */
    const void *dout[EKI_MAX_IO]; /* backward: gradient of an output; NULL = zero */
    bool want_din[EKI_MAX_IO];    /* known at prepare: which gradients backward will be asked for */
    /* Set by prepare: */
    ek_layout in_layout[EKI_MAX_IO]; /* layout the operator wants its inputs in; preset to what they come in */
    ek_dtype in_type[EKI_MAX_IO];    /* and their type: EK_BF16 for EK_F32 or the other way */
    bool keep_in[EKI_MAX_IO];        /* backward reads in[i].data; default false */
    bool keep_out[EKI_MAX_IO];       /* backward reads out[i].data; default false */
    /* Bit k: output 0 may lie where input k lies, if that has its shape and layout and nobody reads it afterwards. */
    uint32_t in_place;
    bool joins;            /* forward: the inputs may lie one behind the other in output 0 */
    bool din_in_place;     /* the gradient of input 0 may lie where that of output 0 lies, if they are alike */
    bool once;             /* its outputs cannot be computed once more in backward */
    uint32_t diff_outputs; /* bit i: gradients flow through output i (bit 31: all from 31 on); default output 0 only */
    size_t scratch_bytes;  /* free memory during forward or backward */
    size_t saved_bytes;    /* memory that lives from forward to backward (and to commit) */
    size_t kept_bytes;     /* memory that lives as long as the plan: prepared weights */
    void *priv;            /* the operator's own; freed by release */
    /* Bound by the executor: */
    void *scratch, *saved, *kept;
};

typedef struct eki_op {
    const char *name;
    int since, until;     /* opsets that it is run for; since 0 = all there are, until 0 = open */
    uint32_t diff_inputs; /* bit i: backward can give the gradient of input i (bit 31: of all inputs from 31 on) */
    uint32_t stateful;    /* bit i: input i is state, neither trained nor differentiated (running mean, variance) */
    uint32_t takes_bf16;  /* bit i: input i may come as EK_BF16; the planner widens it for all others */
    eki_infer_fn infer;
    eki_step_fn prepare, forward, again, backward, commit;
    void (*release)(eki_step *step);
} eki_op;

/* How an operator is run at an opset, or NULL. */
const eki_op *eki_op_find(eki_opcode code, int64_t opset);
/* ... at any, for listings. */
const eki_op *eki_op_run(eki_opcode code);

/* An operator's file ends with its row, as in
 *     EKI_OPERATOR(Relu, .diff_inputs = 0x1, EKI_ALL_OF(Relu));
 * A function that is named but not written, or a row of ops.def that no file has, does not link. */
#define EKI_OPERATOR(name_, ...) const eki_op eki_op_##name_ = {.name = #name_, __VA_ARGS__}
#define EKI_ALL_OF(name_)                                                                                              \
    .infer = eki_op_##name_##_infer, .prepare = eki_op_##name_##_prepare, .forward = eki_op_##name_##_forward,         \
    .backward = eki_op_##name_##_backward

/* How a plan was asked to run; the operators read it. */
typedef enum eki_mode {
    EKI_MODE_FILE = 0,      /* every norm and dropout as its node says: an ONNX runtime */
    EKI_MODE_INFERENCE = 1, /* running statistics, no dropout, whatever the file says */
    EKI_MODE_TRAINING = 2   /* batch statistics unless frozen, dropout on */
} eki_mode;

struct eki_plan {
    eki_graph *graph;
    eki_mode mode;
    int threads;                        /* thread count that primitives are created with */
    bool reproducible;                  /* chunked one-thread weight gradients */
    int64_t chunk;                      /* images per chunk when reproducible */
    int64_t virtual_batch;              /* TRAINING: examples that share batch norm statistics; 0 = all */
    bool bf16;                          /* activations may be EK_BF16 between steps, as operators say */
    bool blocked;                       /* convolutions run in oneDNN's blocked layout */
    bool ungrouped;                     /* no convolution has groups */
    bool shuffles;                      /* channels are shuffled: best where they lie last */
    ek_layout block;                    /* which one: BLOCKED8 or BLOCKED16, by the instruction set oneDNN uses */
    uint64_t seed;                      /* dropout */
    uint64_t step_id;                   /* training step, the dropout's counter */
    const uint64_t *sample_ids;         /* global index of each example of the batch, or NULL = 0, 1, ... */
    int64_t samples;                    /* how many there are in sample_ids */
    const struct eki_collective *ranks; /* that hold the rest of the batch; NULL = the whole batch is here */
    int64_t first_sample;               /* of this rank in the whole batch ... */
    int64_t all_samples;                /* ... of so many */
    /* Norm switches (EKI_NORM_*) by node id; NULL = 0. */
    const uint8_t *norm_switches;
    int64_t *norm_updates;   /* by value id of a running mean: updates so far; NULL where no norm is debiased */
    int64_t skipped_updates; /* running-statistics updates refused because they were not finite */
    char skipped_text[256];  /* which norm and channel, last time */
    struct eki_plan_private *private_data;
};

enum {
    EKI_NORM_FROZEN_STATS = 1,  /* use the running statistics */
    EKI_NORM_NO_UPDATE = 2,     /* and leave them */
    EKI_NORM_FROZEN_AFFINE = 4, /* scale and bias are not trained */
    EKI_NORM_DEBIASED = 8       /* the running average never holds its initial values */
};

/* ---- Helpers for operator files ---- */

/* Fails with the node's label in front. */
ek_status eki_step_fail(const eki_step *step, ek_error *err, ek_status status, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
ek_status eki_infer_fail(eki_infer *infer, ek_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Inputs [0, required) must be present, at most `most` given; dtype check of input i. */
ek_status eki_infer_inputs(eki_infer *infer, int required, int most);
ek_status eki_infer_f32(eki_infer *infer, int input);

/* ONNX multidirectional broadcasting of two shapes (symbols equal only to themselves or to 1). */
bool eki_shape_broadcast(const eki_shape *a, const eki_shape *b, eki_shape *out);

/* A shared infer function. */
ek_status eki_infer_same(eki_infer *infer); /* output 0 = shape and type of input 0 */

/* Ask for all inputs (and give the outputs) in plain row-major layout. The default of prepare == NULL. */
ek_status eki_prepare_plain(eki_step *step, ek_error *err);
/* Elementwise with f(0)=0: outputs take the layout of input 0; other inputs of the same shape are asked in it too. */
ek_status eki_prepare_same_layout(eki_step *step, ek_error *err);

/* The backward of what is piecewise constant (Floor, Equal, ArgMax): the row differentiates no input, so that nobody
 * asks for a gradient and training passes such nodes by. */
ek_status eki_flat_backward(eki_step *step, ek_error *err);

#endif
