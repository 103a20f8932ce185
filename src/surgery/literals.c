/* literals.c: constants through nodes as constants that surgery can read.
 *
 * A parameter may stand behind Identity, Cast, Reshape or arithmetic, or be a Constant of another form than a tensor.
 * For as long as a view is examined and changed, the nodes that surgery reads parameters of get the result as a
 * Constant node with a tensor; what still reads it then gets its own input back.
 */
#include "surgery/literals.h"

#include "surgery/surgery.h"

#include <stdlib.h>
#include <string.h>

/* The first input that may be a parameter, and the one after the last. */
static void parameters(const eki_node *node, int *first, int *end) {
    bool pair = node->op == EKI_OP_Mul || node->op == EKI_OP_Div || node->op == EKI_OP_Add || node->op == EKI_OP_Sub;
    *first = pair ? 0 : 1;
    *end = pair ? 2 : node->op == EKI_OP_BatchNormalization ? 5 : eki_is_product(node) ? 3 : 0;
    if (*end > node->n_in) *end = node->n_in;
}

static ek_status borrow(eki_graph *graph, const eki_tensor *from, const eki_shape *shape, eki_tensor **out,
                        ek_error *err) {
    *out = eki_arena_alloc(&graph->arena, eki_sized(sizeof **out));
    if (*out == NULL) return eki_fail_nomem(err, sizeof **out);
    **out = (eki_tensor){
        .dtype = from->dtype, .stored = from->stored, .shape = *shape, .data = from->data, .bytes = from->bytes};
    return EK_OK;
}

/* NULL in *out: of a type that surgery reads no parameters of. */
static ek_status compute(eki_graph *graph, const eki_constants *constants, const eki_value *value, eki_tensor **out,
                         ek_error *err) {
    eki_numbers numbers;
    *out = NULL;
    ek_status status = eki_constant_numbers(constants, value, &numbers, err);
    if (status != EK_OK) return status == EK_ERR_NOMEM ? status : EK_OK; /* it stays as it is */
    if (numbers.dtype == EK_F32) status = eki_tensor_create(graph, EK_F32, &numbers.shape, out, err);
    if (status == EK_OK && *out != NULL) {
        for (int64_t i = 0; i < numbers.count; i++) {
            float number = (float)numbers.at[i];
            memcpy((char *)(*out)->data + (size_t)i * sizeof number, &number, sizeof number);
        }
        (*out)->stored = numbers.stored;
    }
    eki_numbers_free(&numbers);
    return status;
}

static ek_status tensor_of(eki_graph *graph, const eki_constants *constants, const eki_value *value, eki_tensor **out,
                           ek_error *err) {
    eki_source source = eki_constant_source(value);
    eki_shape shape;
    *out = NULL;
    if (!eki_is_constant(constants, value, &shape)) return EK_OK;
    int64_t own, now;
    bool whole = source.tensor != NULL && eki_shape_count(&source.tensor->shape, &own) &&
                 eki_shape_count(&shape, &now) && own == now;
    return whole ? borrow(graph, source.tensor, &shape, out, err) : compute(graph, constants, value, out, err);
}

/* A Constant node with this tensor. */
static ek_status write(eki_graph *graph, const char *stem, eki_tensor *tensor, eki_value **value, ek_error *err) {
    eki_node *node;
    eki_attr *attr;
    EKI_TRY(eki_edit_fresh(graph, stem, "literal", value, err));
    (*value)->dtype = tensor->dtype;
    (*value)->stored = tensor->stored;
    (*value)->shape = tensor->shape;
    EKI_TRY(eki_graph_add_op(graph, EKI_OP_Constant, "", NULL, 0, value, 1, &node, err));
    EKI_TRY(eki_node_attr_slot(graph, node, "value", &attr, err));
    attr->type = EKI_ATTR_TENSOR;
    attr->t = tensor;
    return EK_OK;
}

static ek_status put_input(eki_graph *graph, const eki_constants *constants, eki_literals *literals, eki_node *node,
                           int input, ek_error *err) {
    eki_value *value = node->in[input], *literal;
    eki_tensor *tensor;
    if (value == NULL || eki_fixed(graph, value) != NULL || (value->init != NULL && value->producer == NULL))
        return EK_OK;
    EKI_TRY(tensor_of(graph, constants, value, &tensor, err));
    if (tensor == NULL) return EK_OK;
    if (!eki_grow((void **)&literals->items, &literals->room, literals->count + 1, sizeof *literals->items)) {
        return eki_fail_nomem(err, sizeof *literals->items);
    }
    EKI_TRY(write(graph, value->name, tensor, &literal, err));
    literals->items[literals->count++] = (eki_literal){.node = node, .input = input, .own = value, .literal = literal};
    node->in[input] = literal;
    return EK_OK;
}

ek_status eki_literals_put(eki_graph *graph, eki_literals *literals, ek_error *err) {
    eki_constants constants = eki_constants_of(graph);
    size_t nodes = graph->n_nodes;
    *literals = (eki_literals){0};
    for (size_t i = 0; i < nodes; i++) {
        eki_node *node = graph->nodes[i];
        int first, end;
        parameters(node, &first, &end);
        for (int k = first; k < end; k++) EKI_TRY(put_input(graph, &constants, literals, node, k, err));
    }
    return EK_OK;
}

void eki_literals_take(eki_literals *literals) {
    for (size_t i = 0; i < literals->count; i++) {
        eki_literal *item = &literals->items[i];
        if (item->input < item->node->n_in && item->node->in[item->input] == item->literal)
            item->node->in[item->input] = item->own;
        eki_node_drop(item->literal->producer);
        item->literal->producer = NULL;
    }
    eki_literals_free(literals);
}

void eki_literals_free(eki_literals *literals) {
    free(literals->items);
    *literals = (eki_literals){0};
}
