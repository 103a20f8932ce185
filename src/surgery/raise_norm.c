/* raise_norm.c: what opsets changed of norms: the mode of a batch norm, the scales of a group norm. */
#include "base/memory.h"
#include "surgery/raise_opset.h"

#include <stdlib.h>

/* Leaves out outputs from `first` on; false where one of them is read. */
static bool cut_outputs(const eki_graph *graph, eki_node *node, int first) {
    for (int i = first; i < node->n_out; i++) {
        if (node->out[i] != NULL && eki_edit_uses(graph, node->out[i]) > 0) return false;
    }
    for (int i = first; i < node->n_out; i++) {
        if (node->out[i] != NULL) node->out[i]->producer = NULL;
        if (node->out[i] != NULL) node->out[i]->declared = false;
    }
    if (node->n_out > first) node->n_out = first;
    return true;
}

/* In training mode there are five outputs, three from opset 14 on; ones that nobody reads are added. */
static ek_status give_statistics(const eki_raise *r, eki_node *node, int count) {
    static const char *const roles[] = {"", "running_mean", "running_var", "saved_mean", "saved_var"};
    eki_value **out = eki_arena_alloc(&r->graph->arena, eki_size_of((size_t)count, sizeof *out));
    if (out == NULL) return eki_fail_nomem(r->err, (size_t)count * sizeof *out);
    for (int i = 0; i < count; i++) {
        out[i] = i < node->n_out ? node->out[i] : NULL;
        if (out[i] != NULL) continue;
        EKI_TRY(eki_edit_fresh(r->graph, eki_node_output(node), roles[i], &out[i], r->err));
        out[i]->producer = node;
        out[i]->producer_output = i;
    }
    node->out = out;
    node->n_out = count;
    return EK_OK;
}

/* is_test (before 7), spatial (before 9) and the number of outputs (7 to 13) become training_mode (from 14). */
ek_status eki_raise_batch_norm(const eki_raise *r, eki_node *node) {
    bool trains = eki_bn_trains(r->graph, node);
    int outputs = !trains ? 1 : r->to < 14 ? 5 : 3;
    if (r->to >= 9 && eki_bn_per_position(r->graph, node))
        return eki_raise_refuse(r, node, "it has statistics per position (spatial = 0)");
    if (trains && r->to < 14 && node->n_out < 2)
        return eki_raise_refuse(r, node, "it is in training mode, which needs opset 14, or --inference");
    if (!cut_outputs(r->graph, node, outputs))
        return eki_raise_refuse(r, node,
                                trains ? "the statistics of its batch, which opset 14 does not give, are read"
                                       : "its other outputs are read");
    eki_node_remove_attr(node, "is_test");
    if (r->to >= 9) eki_node_remove_attr(node, "spatial");
    if (!trains) return EK_OK;
    EKI_TRY(give_statistics(r, node, outputs));
    return r->to < 14 ? EK_OK : eki_node_set_int(r->graph, node, "training_mode", 1, r->err);
}

ek_status eki_batch_norm_infers(eki_graph *graph, eki_node *node, ek_error *err) {
    int64_t opset = eki_graph_opset(graph, "");
    char label[192];
    if (!cut_outputs(graph, node, 1)) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "%s: the statistics that it gives are read",
                        eki_node_label(node, label));
    }
    eki_node_remove_attr(node, "training_mode");
    return opset < 7 ? eki_node_set_int(graph, node, "is_test", 1, err) : EK_OK;
}

/* Opset 18 had a scale and a bias per group, 21 has them per channel. */
ek_status eki_raise_group_norm(const eki_raise *r, eki_node *node) {
    static const char *const roles[] = {"", "scale", "bias"};
    const eki_shape *x = &node->in[0]->shape;
    int64_t groups = eki_node_int(node, "num_groups", 0), channels = x->rank > 1 ? x->dims[1] : -1;
    if (channels < 1 || groups < 1 || channels % groups != 0 || node->n_in < 3)
        return eki_raise_refuse(r, node, "its channels are not known, or its groups do not divide them");
    if ((uint64_t)channels > eki_memory_left() / (4 * sizeof(double)))
        return eki_raise_refuse(r, node, "its channels are more than the memory holds");
    eki_shape shape = eki_shape_of(1, &channels);
    double *values = eki_alloc(eki_size_of((size_t)channels, sizeof *values));
    if (values == NULL) return eki_fail_nomem(r->err, (size_t)channels * sizeof *values);
    ek_status status = EK_OK;
    for (int i = 1; status == EK_OK && i < 3; i++) {
        const eki_tensor *old = eki_fixed(r->graph, node->in[i]);
        if (old == NULL || old->dtype != EK_F32 || eki_count(old) != groups) {
            status = eki_raise_refuse(r, node, "its scale or bias is no constant with a value per group");
            break;
        }
        for (int64_t c = 0; c < channels; c++) values[c] = eki_at(old, c / (channels / groups));
        status = eki_edit_constant(r->graph, node, i, roles[i], &shape, values, r->err);
    }
    free(values);
    return status;
}
