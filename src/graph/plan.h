/* plan.h: the inside of a plan: its tensors, steps and memory.
 *
 * Time runs in ticks, each a pass of one step: first all forward, in order; then backward, in the reverse order, where
 * a step may also come forward again, because its results were not kept. A buffer lives over one range of ticks, or two
 * where it is made again; buffers that do not meet in time may share memory.
 */
#ifndef EKI_PLAN_H
#define EKI_PLAN_H

#include "graph/exec.h"
#include "graph/infer.h"
#include "graph/parameters.h"

typedef struct eki_life {
    int first, last; /* ticks */
} eki_life;

typedef struct eki_buffer {
    size_t bytes, offset;
    eki_life lives[2]; /* in the order of time, apart */
    int n_lives;       /* 0 = never used */
    bool renewed;      /* the next use begins another life */
    int host;          /* the buffer whose memory it shares, in place or as a part; itself = none */
    size_t shift;      /* where in that memory */
} eki_buffer;

typedef enum eki_pass { EKI_PASS_FORWARD, EKI_PASS_AGAIN, EKI_PASS_BACKWARD } eki_pass;

typedef struct eki_tick {
    int step;
    eki_pass pass;
} eki_tick;

/* A tensor of the plan: a graph value in one layout and type. */
typedef struct eki_ptensor {
    const eki_value *value; /* NULL never */
    eki_view view;          /* data set when external */
    double bound;           /* what view.bound points to */
    int buffer;             /* -1 = external */
    int grad_buffer;        /* -1 = none or external */
    float *grad_external;
    bool needs_grad, grad_defined;
    int gradient_step; /* whose backward is the last to add to the gradient */
    int next_variant;  /* the same value in another layout or type, or -1 */
} eki_ptensor;

typedef struct eki_pstep {
    eki_step step;
    int in[EKI_MAX_IO], out[EKI_MAX_IO]; /* tensors; -1 = absent */
    int din_buffer[EKI_MAX_IO];          /* gradient goes here first and is then added; -1 = straight */
    int residual, residual_din_buffer;   /* of the tail, likewise */
    bool backward;                       /* has a backward step */
    int forward_scratch, backward_scratch, saved;
    int64_t calls;
} eki_pstep;

typedef struct eki_plan_private {
    eki_known *known;
    eki_arena constants; /* that `known` points to */
    const bool *needed;  /* by node id; the exec's */
    size_t n_tensors, cap_tensors, n_steps, cap_steps, n_buffers, cap_buffers;
    eki_ptensor *tensors;
    eki_pstep **steps;
    eki_buffer *buffers;
    int *tensor_of_value; /* first variant by value id, -1 = none */
    bool *again;          /* by step: backward computes its results again, instead of their being kept */
    eki_tick *ticks;      /* the forward passes first */
    size_t n_ticks;
    double time;                     /* expected, of a run that keeps everything = 1 */
    unsigned char *arena;            /* the exec's, once bound */
    size_t arena_bytes, plain_bytes; /* plain: if everything were kept */
    unsigned char *kept;             /* of all steps, in their order */
    eki_shape *input_shapes;         /* of the fed inputs */
    eki_tensor *numbers;             /* of them, where shapes were inferred from them; without data elsewhere */
    size_t n_inputs, n_outputs;
    int *inputs, *outputs; /* tensors; of an input that nothing needs: -1 */
} eki_plan_private;

typedef struct eki_plan_request {
    eki_graph *graph;
    const eki_exec_options *options;
    const eki_shape *input_shapes;
    const void *const *numbers; /* of the fed inputs, for shapes that depend on them; NULL = not known */
    eki_part part;              /* what the outputs need */
    eki_value *const *outputs;
    size_t n_outputs;
    const eki_parameters *parameters;
    size_t room; /* bytes that the arena of other plans has, which this one may take over */
} eki_plan_request;

ek_status eki_plan_create(const eki_plan_request *request, eki_plan **plan, ek_error *err);
void eki_plan_destroy(eki_plan *plan);
/* Whether a plan may depend on the numbers of an input of this shape: a short list, as shapes, axes and scales are. */
bool eki_says_shapes(const eki_value *value, const eki_shape *shape);

/* plan_tail.c: what a norm, or a convolution without gradients, does besides: y = f(norm(x) + residual); or a
 * Reshape, which with what follows is a channel shuffle. Its output 0 is then that of `last`. */
typedef struct eki_tail_plan {
    eki_value *residual; /* or NULL */
    eki_activation activation;
    int64_t shuffle;      /* of so many groups; 0 = none */
    const eki_node *last; /* NULL = no tail */
} eki_tail_plan;

typedef struct eki_tails {
    eki_tail_plan *of; /* by node id */
    bool *absorbed;    /* nodes that need no step of their own */
    bool shuffles;     /* channels are shuffled somewhere */
} eki_tails;

ek_status eki_tails_find(const eki_plan_request *request, const eki_known *known, eki_tails *tails, ek_error *err);
void eki_tails_free(eki_tails *tails);

/* plan_again.c: which results are computed again in backward, by what is asked for and what fits; then the ticks. */
ek_status eki_plan_schedule(eki_plan *plan, const eki_plan_request *request, ek_error *err);

/* plan_join.c: tensors that are joined become parts of the result. For plans without backward. */
ek_status eki_plan_join(eki_plan_private *p, ek_error *err);

/* plan_memory.c: lives of buffers, places in one arena, and the pointers of all steps. */
void eki_plan_lives(eki_plan_private *p);                        /* by the ticks */
ek_status eki_plan_round(eki_plan_private *p, ek_error *err);    /* sizes of buffers */
size_t eki_plan_alive(const eki_plan_private *p, size_t *alive); /* bytes by tick, n_ticks + 3 of them; the most */
ek_status eki_plan_place(eki_plan_private *p, ek_error *err);    /* sets the size of the arena */
ek_status eki_plan_keep(eki_plan_private *p, ek_error *err);     /* memory for prepared weights */
void *eki_plan_address(const eki_plan_private *p, int buffer);   /* once bound; NULL of one that is never used */
void eki_plan_bind(eki_plan *plan, unsigned char *arena);        /* all pointers */
void eki_plan_memory(const eki_plan_private *p, ek_memory_report *report);
int eki_plan_buffer(eki_plan_private *p, size_t bytes); /* -1 = no memory */

/* Layout change as a step of its own (op/reorder.c). */
ek_status eki_op_reorder_forward(eki_step *step, ek_error *err);
ek_status eki_op_reorder_backward(eki_step *step, ek_error *err);

/* Channel shuffle (op/shuffle.c). */
ek_status eki_op_shuffle_prepare(eki_step *step, ek_error *err);
ek_status eki_op_shuffle_forward(eki_step *step, ek_error *err);
ek_status eki_op_shuffle_backward(eki_step *step, ek_error *err);

#endif
