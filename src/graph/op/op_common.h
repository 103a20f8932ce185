/* op_common.h: what operator files share: inference on symbolic shapes, folding, iteration over broadcast shapes.
 *
 * Two rules keep results independent of threads, of the batch and of an example's place in it: loops are cut into
 * grains whose size is a constant, and every reduction runs in f64 over its elements in row-major order.
 */
#ifndef EKI_OP_COMMON_H
#define EKI_OP_COMMON_H

#include "base/vectors.h"
#include "graph/op.h"
#include "graph/op/op_rows.h"

/* ---- Inference (op_infer.c) ---- */

/* Sets type and shape of an output. */
void eki_infer_set(eki_infer *infer, int output, ek_dtype dtype, const eki_shape *shape);
/* Output of unknown rank. */
void eki_infer_set_unknown(eki_infer *infer, int output, ek_dtype dtype);
/* axis in [-rank, rank) made non-negative; `end` also allows axis == rank. */
ek_status eki_infer_axis(eki_infer *infer, int64_t axis, int rank, bool end, int *result);
/* A dimension equal to no other. */
ek_status eki_infer_fresh(eki_infer *infer, int64_t *dim);
/* Product of dimensions: the number, or the one symbol among ones, or a fresh symbol. */
ek_status eki_infer_product(eki_infer *infer, const int64_t *dims, int count, int64_t *product);
/* Integer values of a list given as input `input` from opset `since_input` on and as an attribute before. *known is
 * false when an input's value is not known; *given is false when there is neither. */
ek_status eki_infer_list(eki_infer *infer, const char *attribute, int input, int64_t since_input,
                         const int64_t **values, size_t *count, bool *known, bool *given);
/* numpy broadcasting of two shapes, symbols allowed. */
ek_status eki_infer_broadcast_pair(eki_infer *infer, const eki_shape *a, const eki_shape *b, eki_shape *out);

/* ---- Constant folding (op_fold.c) ---- */

/* When all inputs are known, the outputs small and no input is a parameter, runs `forward` and makes the outputs
 * constants. To be called last in an infer function; `forward` must do without plan, scratch and priv. */
ek_status eki_infer_fold(eki_infer *infer, eki_step_fn forward);

/* ---- Steps (op_walk.c) ---- */

enum { EKI_LINE = 256 }; /* elements that are buffered where a result may lie where an input lies */

typedef void (*eki_grain_fn)(void *argument, size_t begin, size_t end);
/* body over [0, count) in grains of a fixed size, in parallel. */
void eki_for_grains(const eki_step *step, size_t count, eki_grain_fn body, void *argument);
/* body over single tasks, in parallel. */
void eki_for_tasks(const eki_step *step, size_t tasks, void (*body)(void *argument, size_t index), void *argument);

/* Iteration over an index space with up to four operands of their own strides (0 = broadcast). */
enum { EKI_WALK_OPERANDS = 4 };
typedef struct eki_walk {
    int rank, operands;
    size_t count;
    int64_t dims[EKI_MAX_RANK];
    int64_t stride[EKI_WALK_OPERANDS][EKI_MAX_RANK];
} eki_walk;

/* `n` consecutive results from index `out` on; operand i starts at offset[i] and advances by step[i]. */
typedef void (*eki_walk_fn)(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n);

void eki_walk_init(eki_walk *walk, const eki_shape *shape);
void eki_walk_flat(eki_walk *walk, size_t count); /* one dimension, for tensors of one shape and layout */
void eki_walk_add(eki_walk *walk, const int64_t *strides);
void eki_walk_add_broadcast(eki_walk *walk, const eki_shape *operand); /* row-major, aligned at the right */
void eki_walk_run(const eki_step *step, eki_walk *walk, eki_walk_fn body, void *argument);
/* The walk's one operand, elements of `bytes` each, to a row-major result. */
void eki_walk_copy(const eki_step *step, eki_walk *walk, const void *from, void *to, size_t bytes);

typedef enum eki_reduce_kind {
    EKI_REDUCE_SUM,
    EKI_REDUCE_ABS,    /* sum of |x| */
    EKI_REDUCE_SQUARE, /* sum of x^2 */
    EKI_REDUCE_PROD,
    EKI_REDUCE_MAX, /* NaN wins */
    EKI_REDUCE_MIN
} eki_reduce_kind;

/* out = scale * the elements of src joined over the dimensions whose bit is set in `reduced`. */
void eki_reduce(const eki_step *step, eki_reduce_kind kind, const float *src, const eki_shape *shape, uint32_t reduced,
                double scale, float *out);
/* The same for sums: out = scale * sum of src over the dimensions whose bit is set in `reduced`. */
void eki_reduce_sum(const eki_step *step, const float *src, const eki_shape *shape, uint32_t reduced, double scale,
                    float *out);
/* The gradient of a broadcast: sums src, of shape `from`, to shape `to`. */
void eki_reduce_to(const eki_step *step, const float *src, const eki_shape *from, const eki_shape *to, float *out);

/* An element of an integer or bool tensor, and back (wrapping to the width). */
int64_t eki_load_int(ek_dtype dtype, const void *data, int64_t index);
void eki_store_int(ek_dtype dtype, void *data, int64_t index, int64_t value);
bool eki_is_int(ek_dtype dtype);   /* i32 or i64: what shape arithmetic is done in */
bool eki_is_whole(ek_dtype dtype); /* i8 to i64, u8 to u32 */

size_t eki_view_bytes(const eki_view *view);
/* Zeros in the padding of data that lie as output 0 does, f32, after a function that makes others of them. */
void eki_clean_padding(const eki_step *step, float *data);
void eki_row_strides(const eki_shape *shape, int64_t strides[EKI_MAX_RANK]);
/* The extents of a tensor, plain or channels last, as they lie in memory; order[i]: which dimension extent i is. */
eki_shape eki_stored_shape(const eki_view *view, int order[EKI_MAX_RANK]);
bool eki_same_shape(const eki_view *a, const eki_view *b);
/* Integers of an input that is an i64 or i32 list (at most `room`), at plan time or while running. */
ek_status eki_step_list(const eki_step *step, int input, int64_t *values, int room, int *count, ek_error *err);
/* Copies input 0 to output 0, dout to din: the forward and backward of everything that only renames elements. */
ek_status eki_copy_forward(eki_step *step, ek_error *err);
ek_status eki_copy_backward(eki_step *step, ek_error *err);
/* Fills the gradient of an input with zeros. */
void eki_zero_gradient(const eki_step *step, int input);

#endif
