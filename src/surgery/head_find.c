/* head_find.c: which node of a trained classifier tells the classes apart.
 *
 * From the logits back, through what only moves numbers about (Flatten, Reshape, pooling, dropout, an activation as
 * SqueezeNet has it) to the last product with a constant weight; an Add of a constant on the way is its bias.
 */
#include "surgery/head.h"

/* What only moves numbers about, or keeps their order. */
static bool passes(eki_opcode op) {
    return op == EKI_OP_Relu || op == EKI_OP_ReduceMean ||
           eki_op_has(op, EKI_SAME | EKI_RESHAPE | EKI_POOLING | EKI_SOFTMAX);
}

/* Input 1 of a product that is constant; the extent of classes is found by how the operator reads its weight. */
static bool read_product(const eki_graph *graph, eki_node *node, eki_head *head) {
    const eki_tensor *weight = node->n_in > 1 ? eki_fixed(graph, node->in[1]) : NULL;
    if (weight == NULL || weight->dtype != EK_F32) return false;
    const int64_t *dims = weight->shape.dims;
    int rank = weight->shape.rank;
    bool conv = node->op == EKI_OP_Conv, gemm = node->op == EKI_OP_Gemm;
    bool first = conv || (gemm && eki_node_int(node, "transB", 0) != 0);
    if (conv ? rank != 4 || eki_node_int(node, "group", 1) != 1 : rank != 2) return false;
    if (gemm && eki_node_int(node, "transA", 0) != 0) return false;
    head->op = node;
    head->weight = 1;
    head->classes = first ? dims[0] : dims[1];
    head->features = conv ? dims[1] * dims[2] * dims[3] : first ? dims[1] : dims[0];
    return true;
}

/* The side of an Add that is computed, when the other is constant. */
static const eki_value *pass_add(const eki_graph *graph, eki_node *node, eki_head *head) {
    for (int k = 0; k < 2 && node->n_in == 2 && head->add == NULL; k++) {
        if (eki_fixed(graph, node->in[k]) == NULL) continue;
        head->add = node;
        head->bias = k;
        return node->in[1 - k];
    }
    return NULL;
}

static ek_status fail_at(const eki_node *node, ek_error *err) {
    char label[192];
    return eki_fail(err, EK_ERR_UNSUPPORTED,
                    "no classifier was found to replace: the way back from the logits ends at %s; name a tensor to "
                    "build one on (--cut TENSOR)",
                    node != NULL ? eki_node_label(node, label) : "an input");
}

ek_status eki_head_find(const eki_graph *graph, const eki_value *logits, eki_head *head, ek_error *err) {
    *head = (eki_head){0};
    const eki_value *value = logits;
    for (int hops = 0; hops < 16 && value != NULL; hops++) {
        eki_node *node = value->producer;
        if (node == NULL || node->n_in < 1) return fail_at(node, err);
        if (eki_op_has(node->op, EKI_PRODUCT)) return read_product(graph, node, head) ? EK_OK : fail_at(node, err);
        if (node->op == EKI_OP_Add) {
            value = pass_add(graph, node, head);
        } else {
            if (node->op == EKI_OP_Reshape && head->reshape == NULL) head->reshape = node;
            value = passes(node->op) ? node->in[0] : NULL;
        }
        if (value == NULL) return fail_at(node, err);
    }
    return fail_at(NULL, err);
}
