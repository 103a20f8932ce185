/* float_types.c: floating types by simple rules: most operators give the type that they read. */
#include "sites/float_types.h"

#include <stdlib.h>

static ek_dtype floating(int64_t type) {
    bool is = type == EK_F32 || type == EK_F64 || type == EK_F16 || type == EK_BF16;
    return is ? (ek_dtype)type : EK_DTYPE_NONE;
}

ek_dtype eki_file_type(const eki_tensor *tensor) {
    return floating(tensor->stored != EK_DTYPE_NONE ? tensor->stored : tensor->dtype);
}

/* What the file itself says of a value. */
static ek_dtype declared_type(const eki_value *value) {
    while (value->outer != NULL) value = value->outer;
    if (value->init != NULL) return eki_file_type(value->init);
    if (!value->declared) return EK_DTYPE_NONE;
    return floating(value->stored != EK_DTYPE_NONE ? value->stored : value->dtype);
}

static ek_dtype constant_type(const eki_node *node) {
    const eki_attr *attr = eki_node_attr(node, "value");
    if (attr != NULL && attr->type == EKI_ATTR_TENSOR && attr->t != NULL) return eki_file_type(attr->t);
    bool numbers = eki_node_attr(node, "value_float") != NULL || eki_node_attr(node, "value_floats") != NULL;
    return numbers ? EK_F32 : EK_DTYPE_NONE;
}

/* The first of the inputs, from `from` on, whose type is known. */
static ek_dtype type_read(const eki_node *node, const ek_dtype *types, int from) {
    for (int i = from; i < node->n_in; i++) {
        ek_dtype type = node->in[i] != NULL ? types[node->in[i]->id] : EK_DTYPE_NONE;
        if (type != EK_DTYPE_NONE) return type;
    }
    return EK_DTYPE_NONE;
}

static ek_dtype type_made(const eki_node *node, const ek_dtype *types) {
    if (node->op == EKI_OP_Cast) return floating(eki_node_int(node, "to", 0));
    if (node->op == EKI_OP_Constant) return constant_type(node);
    bool other = node->op == EKI_OP_NONE || eki_op_has(node->op, EKI_GRAPHS | EKI_READS_SHAPE);
    if (other) return EK_DTYPE_NONE;
    if (node->op == EKI_OP_Where || node->op == EKI_OP_CastLike) return type_read(node, types, 1);
    if (node->op == EKI_OP_Resize || node->op == EKI_OP_Pow) { /* later inputs may have types of their own */
        return node->n_in > 0 && node->in[0] != NULL ? types[node->in[0]->id] : EK_DTYPE_NONE;
    }
    return type_read(node, types, 0);
}

ek_status eki_float_types(const eki_graph *graph, ek_dtype **out, ek_error *err) {
    ek_dtype *types = eki_calloc(graph->n_values + 1, sizeof *types);
    *out = types;
    if (types == NULL) return eki_fail_nomem(err, graph->n_values * sizeof *types);
    for (size_t i = 0; i < graph->n_values; i++) types[i] = declared_type(graph->values[i]);
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        if (node->op_type == NULL) continue;
        for (int k = 0; k < node->n_out; k++) {
            const eki_value *made = node->out[k];
            if (made != NULL && types[made->id] == EK_DTYPE_NONE) types[made->id] = type_made(node, types);
        }
    }
    return EK_OK;
}
