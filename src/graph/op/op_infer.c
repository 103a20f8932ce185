/* op_infer.c: helpers of the infer functions.
 *
 * A symbolic dimension is kept whenever the operator's arithmetic keeps it (broadcast with 1, a product with ones);
 * otherwise a fresh symbol stands for "some extent". Concrete shapes replace all of them before anything runs.
 */
#include "graph/op/op_common.h"

void eki_infer_set(eki_infer *infer, int output, ek_dtype dtype, const eki_shape *shape) {
    infer->out[output].dtype = dtype;
    infer->out[output].shape = *shape;
}

void eki_infer_set_unknown(eki_infer *infer, int output, ek_dtype dtype) {
    infer->out[output].dtype = dtype;
    infer->out[output].shape.rank = -1;
}

ek_status eki_infer_axis(eki_infer *infer, int64_t axis, int rank, bool end, int *result) {
    int64_t most = end ? rank : rank - 1;
    if (axis < -(int64_t)rank || axis > most) {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "axis %lld is outside [%d, %lld]", (long long)axis, -rank,
                              (long long)most);
    }
    *result = (int)(axis < 0 ? axis + rank : axis);
    return EK_OK;
}

ek_status eki_infer_fresh(eki_infer *infer, int64_t *dim) {
    return eki_graph_symbol(infer->graph, "", dim, infer->err);
}

ek_status eki_infer_product(eki_infer *infer, const int64_t *dims, int count, int64_t *product) {
    int64_t known = 1, symbol = 0;
    int symbols = 0;
    for (int i = 0; i < count; i++) {
        if (dims[i] < 0) {
            symbol = dims[i];
            symbols++;
        } else if (!eki_mul_i64(known, dims[i], &known)) {
            return eki_infer_fail(infer, EK_ERR_LIMIT, "the product of the dimensions overflows");
        }
    }
    *product = known;
    if (symbols == 0 || known == 0) return EK_OK;
    if (symbols > 1 || known != 1) return eki_infer_fresh(infer, product);
    *product = symbol;
    return EK_OK;
}

ek_status eki_infer_list(eki_infer *infer, const char *attribute, int input, int64_t since_input,
                         const int64_t **values, size_t *count, bool *known, bool *given) {
    *values = NULL;
    *count = 0;
    *known = true;
    if (infer->opset < since_input) {
        *given = eki_node_ints(infer->node, attribute, values, count);
        return EK_OK;
    }
    *given = input < infer->node->n_in && infer->in[input].present;
    if (!*given) return EK_OK;
    *known = infer->in[input].constant != NULL;
    if (!*known) return EK_OK;
    return eki_tensor_ints(infer->graph, infer->in[input].constant, values, count, infer->err);
}

static ek_status broadcast_dim(eki_infer *infer, int64_t a, int64_t b, int64_t *out) {
    if (a == b || b == 1) {
        *out = a;
    } else if (a == 1) {
        *out = b;
    } else if (a < 0 && b < 0) {
        return eki_infer_fresh(infer, out);
    } else if (a < 0 || b < 0) {
        *out = a < 0 ? b : a;
    } else {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "dimensions %lld and %lld do not broadcast", (long long)a,
                              (long long)b);
    }
    return EK_OK;
}

ek_status eki_infer_broadcast_pair(eki_infer *infer, const eki_shape *a, const eki_shape *b, eki_shape *out) {
    eki_shape result = {.rank = a->rank > b->rank ? a->rank : b->rank};
    if (a->rank < 0 || b->rank < 0) {
        out->rank = -1;
        return EK_OK;
    }
    for (int i = 0; i < result.rank; i++) {
        int ia = i - (result.rank - a->rank), ib = i - (result.rank - b->rank);
        EKI_TRY(broadcast_dim(infer, ia < 0 ? 1 : a->dims[ia], ib < 0 ? 1 : b->dims[ib], &result.dims[i]));
    }
    *out = result;
    return EK_OK;
}
