/* infer_guess.c: outputs of nodes that nobody here can infer: of an operator that the engine lacks, or behind one.
 *
 * They are as the file declares them (value_info). Where it does not, the weight of a convolution still tells rank,
 * channels and type, so that what stands behind it can be judged.
 */
#include "graph/infer.h"

bool eki_may_guess(const eki_infer *infer, ek_status status) {
    bool blind = false;
    for (int k = 0; k < infer->node->n_in && k < EKI_MAX_IO; k++) {
        blind |= infer->in[k].present && (infer->in[k].dtype == EK_DTYPE_NONE || infer->in[k].shape.rank < 0);
    }
    if (status == EK_ERR_NOMEM || status == EK_ERR_LIMIT) return false;
    if (status == EK_ERR_UNSUPPORTED || blind) return true;
    /* Numbers of other types than float32 are for others to compute. */
    return status == EK_ERR_DTYPE && infer->node->n_in > 0 && infer->in[0].dtype != EK_F32;
}

static ek_status guess_convolution(eki_graph *graph, const eki_node *node, eki_known *known, ek_error *err) {
    if (node->n_in < 2 || node->in[1] == NULL || node->n_out < 1 || node->out[0] == NULL) return EK_OK;
    const eki_known *weight = &known[node->in[1]->id];
    eki_known *out = &known[node->out[0]->id];
    if (out->shape.rank >= 0 || weight->shape.rank < 3 || weight->dtype == EK_DTYPE_NONE) return EK_OK;
    bool transposed = node->op == EKI_OP_ConvTranspose;
    int64_t group = eki_node_int(node, "group", 1), channels = weight->shape.dims[transposed ? 1 : 0];
    if (transposed && (group < 1 || channels < 0 || !eki_mul_i64(channels, group, &channels))) return EK_OK;
    if (channels > EKI_MAX_ELEMENTS) return EK_OK;
    out->dtype = weight->dtype;
    out->shape = (eki_shape){.rank = weight->shape.rank};
    for (int d = 0; d < out->shape.rank; d++) {
        if (d != 1) EKI_TRY(eki_graph_symbol(graph, "", &out->shape.dims[d], err));
    }
    out->shape.dims[1] = channels;
    return EK_OK;
}

ek_status eki_guess_outputs(eki_graph *graph, const eki_node *node, eki_known *known, ek_error *err) {
    for (int k = 0; k < node->n_out; k++) {
        const eki_value *value = node->out[k];
        int64_t reach;
        if (value == NULL) continue;
        eki_known *out = &known[value->id];
        if (out->dtype == EK_DTYPE_NONE) out->dtype = value->dtype;
        if (out->shape.rank >= 0 || !eki_shape_reach(&value->shape, &reach) || reach > EKI_MAX_ELEMENTS) continue;
        out->shape = value->shape;
    }
    bool shapes = node->op == EKI_OP_Conv || node->op == EKI_OP_ConvTranspose;
    return shapes ? guess_convolution(graph, node, known, err) : EK_OK;
}
