/* constants.c: which values are constants, of what shape, and where their numbers lie. */
#include "sites/constants.h"

#include "sites/constant_eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Before IR version 4 every initializer had to be an input, and exporters went on listing all of them for years: where
 * all are listed, none is meant to be fed. */
bool eki_lists_weights(const eki_graph *graph) {
    bool any = false;
    while (graph->parent != NULL) graph = graph->parent;
    for (size_t i = 0; i < graph->n_values; i++) {
        if (graph->values[i]->init == NULL) continue;
        if (graph->values[i]->input_index < 0) return graph->ir_version < 4;
        any = true;
    }
    return any || graph->ir_version < 4;
}

ek_status eki_add_constant(eki_graph *graph, const char *name, ek_dtype dtype, const eki_shape *shape, eki_value **out,
                           eki_tensor **tensor, ek_error *err) {
    bool listed = graph->parent == NULL && !graph->is_function && eki_lists_weights(graph);
    eki_tensor *made;
    EKI_TRY(eki_graph_add_constant(graph, name, dtype, shape, out, &made, err));
    if (tensor != NULL) *tensor = made;
    return listed ? eki_graph_add_input(graph, *out, err) : EK_OK;
}

eki_constants eki_constants_of(const eki_graph *graph) {
    while (graph->parent != NULL) graph = graph->parent;
    return (eki_constants){.document = graph, .lists_weights = eki_lists_weights(graph), .most = EKI_CONSTANT_ELEMENTS};
}

bool eki_constant_scalar(const eki_constants *constants, const eki_value *value, double *number) {
    eki_numbers numbers;
    eki_shape shape;
    int64_t count;
    if (!eki_is_constant(constants, value, &shape) || !eki_shape_count(&shape, &count) || count != 1) return false;
    if (eki_constant_numbers(constants, value, &numbers, NULL) != EK_OK) return false;
    *number = numbers.at[0];
    eki_numbers_free(&numbers);
    return true;
}

bool eki_constant_list(const eki_constants *constants, const eki_value *value, int64_t list[EKI_CONSTANT_LIST],
                       int *count) {
    eki_numbers numbers;
    eki_shape shape;
    int64_t elements;
    if (!eki_is_constant(constants, value, &shape) || !eki_shape_count(&shape, &elements)) return false;
    if (shape.rank > 1 || elements > EKI_CONSTANT_LIST) return false;
    if (eki_constant_numbers(constants, value, &numbers, NULL) != EK_OK) return false;
    bool whole = numbers.dtype == EK_I64 || numbers.dtype == EK_I32;
    for (int i = 0; whole && i < elements; i++) {
        whole = fabs(numbers.at[i]) < 9e15;
        if (whole) list[i] = (int64_t)numbers.at[i];
    }
    *count = (int)elements;
    eki_numbers_free(&numbers);
    return whole;
}

static bool keeps_numbers(eki_opcode op) { return op == EKI_OP_Identity || eki_op_has(op, EKI_RESHAPE); }

eki_source eki_constant_source(const eki_value *value) {
    eki_source source = {0};
    for (int hops = 0; value != NULL && hops < EKI_CONSTANT_HOPS; hops++) {
        const eki_node *maker = value->producer;
        if (value->init != NULL || (maker != NULL && maker->op == EKI_OP_Constant)) {
            source.value = value;
            source.tensor = value->init;
            const eki_attr *attr = maker == NULL ? NULL : eki_node_attr(maker, "value");
            if (attr != NULL && attr->type == EKI_ATTR_TENSOR) source.tensor = attr->t;
            return source;
        }
        if (maker == NULL) {
            value = value->outer;
            continue;
        }
        if (!keeps_numbers(maker->op) || maker->n_in < 1 || value->producer_output != 0) break;
        source.identity |= maker->op == EKI_OP_Identity;
        source.reshaped |= maker->op != EKI_OP_Identity;
        value = maker->in[0];
    }
    return (eki_source){0};
}
