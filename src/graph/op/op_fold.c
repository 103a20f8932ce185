/* op_fold.c: constant folding, by running the operator itself.
 *
 * An infer function that knows its output shapes ends with eki_infer_fold. If every input is known, a step without a
 * plan is built over the constants and the operator's own forward fills new arena tensors: what is folded is by
 * construction what would have been computed. Floating-point initializers are parameters, which training may change,
 * so nothing that reads one is folded. The size limit keeps a small file from unfolding into much memory.
 */
#include "graph/op/op_common.h"

#include <stdlib.h>

enum { FOLD_ELEMENTS = 1 << 16 };

static bool is_float(ek_dtype dtype) {
    return dtype == EK_F32 || dtype == EK_F64 || dtype == EK_F16 || dtype == EK_BF16;
}

static bool can_fold(const eki_infer *infer) {
    const eki_node *node = infer->node;
    for (int i = 0; i < node->n_in; i++) {
        if (!infer->in[i].present) continue;
        const eki_tensor *constant = infer->in[i].constant;
        if (constant == NULL || eki_dtype_bytes(constant->dtype) == 0) return false;
        if (is_float(constant->dtype) && node->in[i] != NULL && node->in[i]->init != NULL) return false;
    }
    for (int i = 0; i < node->n_out; i++) {
        int64_t count;
        if (node->out[i] == NULL) continue;
        if (infer->out[i].shape.rank < 0 || eki_dtype_bytes(infer->out[i].dtype) == 0) return false;
        if (!eki_shape_count(&infer->out[i].shape, &count) || count > FOLD_ELEMENTS) return false;
    }
    return node->n_in <= EKI_MAX_IO && node->n_out <= EKI_MAX_IO;
}

/* `in` holds the inputs as the step sees them: data borrowed from a file may be unaligned and is then copied. */
static ek_status fill_step(eki_infer *infer, eki_step *step, eki_tensor *in, eki_tensor **made) {
    const eki_node *node = infer->node;
    step->node = node;
    step->opset = infer->opset;
    step->n_in = node->n_in;
    step->n_out = node->n_out;
    for (int i = 0; i < node->n_in; i++) {
        const eki_tensor *constant = infer->in[i].constant;
        step->has_in[i] = infer->in[i].present;
        if (!step->has_in[i]) continue;
        eki_tensor aligned = *constant;
        if (!eki_tensor_aligned(constant)) {
            aligned.data = eki_arena_memdup(&infer->graph->arena, constant->data, eki_sized(constant->bytes));
            if (aligned.data == NULL) return eki_fail_nomem(infer->err, constant->bytes);
        }
        in[i] = aligned;
        step->constant[i] = &in[i];
        step->in[i] = (eki_view){.dtype = constant->dtype, .shape = constant->shape, .data = aligned.data};
    }
    for (int i = 0; i < node->n_out; i++) {
        step->has_out[i] = node->out[i] != NULL;
        if (!step->has_out[i]) continue;
        EKI_TRY(eki_tensor_create(infer->graph, infer->out[i].dtype, &infer->out[i].shape, &made[i], infer->err));
        step->out[i] = (eki_view){.dtype = infer->out[i].dtype, .shape = infer->out[i].shape, .data = made[i]->data};
    }
    return EK_OK;
}

ek_status eki_infer_fold(eki_infer *infer, eki_step_fn forward) {
    eki_tensor *made[EKI_MAX_IO] = {NULL};
    if (!can_fold(infer)) return EK_OK;
    eki_step *step = eki_calloc(1, sizeof *step);
    eki_tensor *in = eki_calloc(EKI_MAX_IO, sizeof *in);
    ek_status status = step == NULL || in == NULL ? eki_fail_nomem(infer->err, sizeof *step) : EK_OK;
    if (status == EK_OK) status = fill_step(infer, step, in, made);
    if (status == EK_OK) status = forward(step, infer->err);
    free(step);
    free(in);
    if (status != EK_OK) return status;
    for (int i = 0; i < infer->node->n_out; i++) infer->out[i].constant = made[i];
    return EK_OK;
}
