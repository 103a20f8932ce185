/* exec.h: running a graph: shape inference, one plan per set of input shapes, forward, backward, commit. */
#ifndef EKI_EXEC_H
#define EKI_EXEC_H

#include "graph/op.h"

#include <evenkeel/session.h>

/* Shape inference and constant folding over the whole graph with the given shapes of the inputs that have no
 * initializer (NULL = as declared, symbols stay symbols). Fills value->shape and dtype. What an operator that the
 * engine lacks makes, and what lies behind it, stays as declared. */
ek_status eki_graph_infer(eki_graph *graph, const eki_shape *input_shapes, ek_error *err);

typedef struct eki_exec eki_exec;

/* Results that backward reads are kept, or computed again there. */
typedef enum eki_recompute {
    EKI_RECOMPUTE_TO_FIT,  /* as little as the memory that is left allows */
    EKI_RECOMPUTE_NOTHING, /* whatever fits */
    EKI_RECOMPUTE_LEAST,   /* for the least memory that a quarter of the time more buys */
    EKI_RECOMPUTE_ALL      /* whatever can be, to no good (tests) */
} eki_recompute;

/* As a caller asks for it; EK_ERR_ARG: a number that is none of ek_memory_use. */
ek_status eki_recompute_asked(ek_memory_use asked, eki_recompute *recompute, ek_error *err);

typedef struct eki_exec_options {
    eki_mode mode;
    int threads;         /* 0 = as OpenMP is set */
    bool backward;       /* plan gradients too */
    bool input_gradient; /* with backward: gradients of f32 graph inputs as well as of parameters */
    bool reproducible;
    int64_t chunk;         /* 0 = 1 */
    int64_t virtual_batch; /* TRAINING: examples that share batch norm statistics; 0 = the whole batch */
    bool plain;            /* never use blocked layouts (tests) */
    bool bf16;             /* activations and operands of convolutions in bf16 (eki_dnnl_has_bf16) */
    bool profile;          /* time each step */
    eki_recompute recompute;
    size_t memory; /* that there is for the results of a plan; 0 = what is left */
    uint64_t seed;
    const uint8_t *norm_switches;       /* per node id, borrowed; NULL = none */
    int64_t *norm_updates;              /* per value id of a running mean, borrowed: eki_plan has more; NULL = none */
    const struct eki_collective *ranks; /* borrowed; NULL = the whole batch is here */
    /* Called in backward as soon as the gradient of parameter `index` is complete; borrowed context. */
    ek_status (*gradient_ready)(void *context, size_t index, ek_error *err);
    void *gradient_context;
    const char *const *outputs; /* run only what these values need, in this order; NULL = the graph's outputs */
    size_t n_outputs;
} eki_exec_options;

ek_status eki_exec_create(eki_graph *graph, const eki_exec_options *options, eki_exec **exec, ek_error *err);
void eki_exec_destroy(eki_exec *exec);

/* Inputs to feed, in order: graph inputs without initializer. */
size_t eki_exec_input_count(const eki_exec *exec);
const eki_value *eki_exec_input_value(const eki_exec *exec, size_t index);
/* Whether an output that was asked for needs it. One that none needs has no buffer, and its shape does not count. */
bool eki_exec_input_needed(const eki_exec *exec, size_t index);

/* Makes the plan for these input shapes the current one (made once, then kept; a few are kept). */
ek_status eki_exec_prepare(eki_exec *exec, const eki_shape *input_shapes, ek_error *err);
/* The same where shapes may depend on numbers that are fed (the target of a Reshape, axes, scales): numbers[i] are
 * those of an input in its own type, or NULL. Looked at only where there is no plan without them; plans are then kept
 * by the numbers of short lists, too. */
ek_status eki_exec_prepare_for(eki_exec *exec, const eki_shape *input_shapes, const void *const *numbers,
                               ek_error *err);

/* Buffers of the current plan, gone when another one becomes it; plain row-major. Inputs are written before forward and
 * stay unchanged by it. */
eki_view eki_exec_input(eki_exec *exec, size_t index);
size_t eki_exec_output_count(const eki_exec *exec);
eki_view eki_exec_output(eki_exec *exec, size_t index);
float *eki_exec_output_gradient(eki_exec *exec, size_t index); /* zeroed by forward; write before backward */
float *eki_exec_input_gradient(eki_exec *exec, size_t index);  /* after backward; NULL when not planned */

ek_status eki_exec_forward(eki_exec *exec, ek_error *err);
ek_status eki_exec_backward(eki_exec *exec, ek_error *err);
ek_status eki_exec_commit(eki_exec *exec, ek_error *err); /* running statistics of the last forward */

/* Where less memory is left than the results of plans have, that is given back until the next prepare. */
void eki_exec_rest(eki_exec *exec);

/* What the plan in force takes, or the last one took. */
void eki_exec_memory(const eki_exec *exec, ek_memory_report *report);

/* The plan in force, for step_id, sample_ids and the count of refused updates. */
eki_plan *eki_exec_plan(eki_exec *exec);

/* Parameters: f32 initializers that a gradient can reach (parameters.h), known from the start; none without
 * options.backward. Their values live in value->init->data, owned; the gradient buffers live as long as the exec and
 * are overwritten by each backward. */
typedef struct eki_parameter {
    eki_value *value;
    float *gradient;
    size_t count;
    const eki_node *consumer; /* the (first) node that uses it, and as which input */
    int consumer_input;
} eki_parameter;
size_t eki_exec_parameter_count(const eki_exec *exec);
const eki_parameter *eki_exec_parameter(const eki_exec *exec, size_t index);

/* Tells a running exec that initializers changed from outside (cached weight layouts are made anew). */
void eki_exec_weights_changed(eki_exec *exec);

/* Seconds per operator type since creation, with options.profile. Returns the number of rows. */
size_t eki_exec_profile(const eki_exec *exec, ek_profile_row *rows, size_t room);

#endif
