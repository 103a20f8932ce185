/* objective_file.c: a loss that is a file: its inputs are values of the model or targets, by their names, its one
 * output is the loss.
 */
#include "train/objective.h"

#include <stdlib.h>
#include <string.h>

static ek_status check_node(const eki_graph *loss, const eki_node *node, ek_error *err) {
    char label[192];
    if (node->op != EKI_OP_BatchNormalization && node->op != EKI_OP_Dropout) return EK_OK;
    return eki_fail(err, EK_ERR_UNSUPPORTED, "%s: %s: a loss has no batch norm and no dropout", loss->path,
                    eki_node_label(node, label));
}

static ek_status check_file(const eki_graph *loss, ek_error *err) {
    if (loss->n_outputs != 1) {
        return eki_fail(err, EK_ERR_FORMAT, "%s: a loss has one output, this file has %zu; leave one", loss->path,
                        loss->n_outputs);
    }
    const eki_value *output = loss->outputs[0];
    if (output->dtype != EK_F32 && output->dtype != EK_DTYPE_NONE) {
        return eki_fail(err, EK_ERR_DTYPE, "%s: output '%s' is %s; a loss is a float32 number", loss->path,
                        output->name, eki_dtype_name(output->dtype));
    }
    for (size_t i = 0; i < loss->n_nodes; i++) EKI_TRY(check_node(loss, loss->nodes[i], err));
    return EK_OK;
}

/* An input that is a value of the model is that value; another is a target, to be fed. */
static ek_status connect(eki_graph *graph, size_t own_values, const eki_graph *loss, eki_value **map, bool *taken,
                         ek_error *err) {
    for (size_t i = 0; i < loss->n_inputs; i++) {
        const eki_value *input = loss->inputs[i];
        eki_value *value = eki_graph_find(graph, input->name);
        if (input->init != NULL) continue;
        bool own = value != NULL && (size_t)value->id < own_values;
        bool fed = own && value->input_index >= 0 && value->init == NULL;
        if (own && !fed) *taken = true;
        if (own && input->dtype != EK_DTYPE_NONE && value->dtype != EK_DTYPE_NONE && input->dtype != value->dtype) {
            return eki_fail(err, EK_ERR_DTYPE, "%s: input '%s' is %s, but the model's value of that name is %s",
                            loss->path, input->name, eki_dtype_name(input->dtype), eki_dtype_name(value->dtype));
        }
        if (value == NULL) {
            EKI_TRY(eki_graph_value(graph, input->name, &value, err));
            value->dtype = input->dtype;
            value->shape.rank = -1;
            EKI_TRY(eki_graph_add_input(graph, value, err));
        }
        map[input->id] = value;
    }
    return EK_OK;
}

static ek_status refuse_apart(const eki_graph *graph, const eki_graph *loss, ek_error *err) {
    return eki_fail(err, EK_ERR_ARG,
                    "%s: none of its inputs is a value of the model, so that nothing would be trained; name one '%s', "
                    "as the model's output",
                    loss->path, graph->n_outputs > 0 ? graph->outputs[0]->name : "?");
}

ek_status eki_term_append(eki_graph *graph, eki_term *term, size_t own_values, ek_error *err) {
    const eki_graph *loss = term->loss.graph->graph;
    bool taken = false;
    EKI_TRY(check_file(loss, err));
    eki_value **map = eki_calloc(loss->n_values + 1, sizeof *map);
    if (map == NULL) return eki_fail_nomem(err, loss->n_values * sizeof *map);
    ek_status status = connect(graph, own_values, loss, map, &taken, err);
    if (status == EK_OK && !taken) status = refuse_apart(graph, loss, err);
    if (status == EK_OK) status = eki_graph_append(graph, loss, "loss", map, err);
    if (status == EK_OK) term->value = map[loss->outputs[0]->id];
    free(map);
    return status;
}
