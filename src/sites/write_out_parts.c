/* write_out_parts.c: nodes and constants that a norm is written out with, at the file's opset and in its types. */
#include "sites/write_out.h"

#include <stdlib.h>
#include <string.h>

/* A value named after the norm's output. */
static ek_status fresh_value(eki_writer *w, const char *suffix, eki_value **value) {
    return eki_graph_fresh(w->graph, w->site->y->name, suffix, value, w->err);
}

static ek_status add_node(eki_writer *w, eki_opcode op, const char *suffix, eki_value *const *in, int n_in,
                          eki_value **out, eki_node **node) {
    EKI_TRY(fresh_value(w, suffix, out));
    return eki_graph_add_op(w->graph, op, (*out)->name, in, n_in, out, 1, node, w->err);
}

ek_status eki_write_op(eki_writer *w, eki_opcode op, const char *suffix, eki_value *a, eki_value *b, eki_value **out) {
    eki_value *in[2] = {a, b};
    eki_node *node;
    return add_node(w, op, suffix, in, b != NULL ? 2 : 1, out, &node);
}

ek_status eki_write_instance_of(eki_writer *w, eki_value *const in[3], eki_value **out) {
    eki_node *node;
    EKI_TRY(add_node(w, EKI_OP_InstanceNormalization, "normalized", in, 3, out, &node));
    return eki_node_set_float(w->graph, node, "epsilon", (float)w->site->epsilon, w->err);
}

ek_status eki_write_floats(eki_writer *w, const char *suffix, ek_dtype type, const eki_shape *shape,
                           const double *numbers, int64_t count, eki_value **out) {
    int64_t all = 0;
    ek_dtype held = type == EK_F64 ? EK_F64 : EK_F32;
    EKI_TRY(fresh_value(w, suffix, out));
    eki_tensor *tensor;
    EKI_TRY(eki_add_constant(w->graph, (*out)->name, held, shape, out, &tensor, w->err));
    (*out)->stored = tensor->stored = type == held ? EK_DTYPE_NONE : type;
    (void)eki_shape_count(shape, &all);
    for (int64_t i = 0; i < all; i++) {
        double number = numbers[i / (all / count)];
        if (held == EK_F64)
            ((double *)tensor->data)[i] = number;
        else
            ((float *)tensor->data)[i] = (float)number;
    }
    eki_tensor_round(tensor);
    return EK_OK;
}

ek_status eki_write_ints(eki_writer *w, const char *suffix, const int64_t *list, int count, eki_value **out) {
    eki_shape shape = {.rank = 1, .dims = {count}};
    EKI_TRY(fresh_value(w, suffix, out));
    eki_tensor *tensor;
    EKI_TRY(eki_add_constant(w->graph, (*out)->name, EK_I64, &shape, out, &tensor, w->err));
    memcpy(tensor->data, list, (size_t)count * sizeof *list);
    return EK_OK;
}

ek_status eki_write_cast(eki_writer *w, const char *suffix, ek_dtype from, ek_dtype to, eki_value **value) {
    eki_node *node;
    eki_value *in = *value;
    if (from == to) return EK_OK;
    EKI_TRY(add_node(w, EKI_OP_Cast, suffix, &in, 1, value, &node));
    return eki_node_set_int(w->graph, node, "to", to, w->err);
}

ek_status eki_write_mean(eki_writer *w, const char *suffix, eki_value *of, eki_value **out) {
    int64_t list[EKI_MAX_RANK];
    int count = w->site->n_axes;
    eki_value *in[2] = {of, NULL};
    eki_node *node;
    for (int i = 0; i < count; i++) list[i] = w->site->axes[i];
    bool input = w->opset >= 18;
    if (input) EKI_TRY(eki_write_ints(w, "axes", list, count, &in[1]));
    EKI_TRY(add_node(w, EKI_OP_ReduceMean, suffix, in, input ? 2 : 1, out, &node));
    if (!input) EKI_TRY(eki_node_set_ints(w->graph, node, "axes", list, (size_t)count, w->err));
    return eki_node_set_int(w->graph, node, "keepdims", 1, w->err);
}

ek_status eki_write_parameter(eki_writer *w, eki_role role, eki_value **out) {
    *out = w->site->parameters[role].value;
    if (*out == NULL || w->types[(*out)->id] == EK_DTYPE_NONE) return EK_OK;
    return eki_write_cast(w, eki_role_name(role), w->types[(*out)->id], w->type, out);
}

/* A group's number for each of its channels. */
static ek_status spread_groups(eki_writer *w, eki_role role, const eki_shape *shape, eki_value **out) {
    eki_numbers numbers;
    EKI_TRY(eki_site_numbers(w->sites, w->site, role, &numbers, w->err));
    bool fits = numbers.count > 0 && w->site->channels % numbers.count == 0;
    ek_status status =
        fits ? eki_write_floats(w, eki_role_name(role), w->type, shape, numbers.at, numbers.count, out)
             : eki_fail(w->err, EK_ERR_FORMAT, "norm '%s': %lld numbers of its %s do not divide its %lld channels",
                        w->site->path, (long long)numbers.count, eki_role_name(role), (long long)w->site->channels);
    eki_numbers_free(&numbers);
    return status;
}

ek_status eki_write_channels(eki_writer *w, eki_role role, eki_value **out) {
    const eki_site *site = w->site;
    eki_value *value = site->parameters[role].value, *to;
    eki_shape shape = {.rank = site->rank - 1, .dims = {site->channels}};
    for (int i = 1; i < shape.rank; i++) shape.dims[i] = 1;
    if (site->per_group) return spread_groups(w, role, &shape, out);
    bool own = (size_t)value->id < w->n_values && w->uses.count[value->id] == 1 && !value->is_output;
    if (shape.rank == 1) return eki_write_parameter(w, role, out);
    bool fed = value->input_index >= 0 && !eki_lists_weights(w->graph);
    if (own && value->init != NULL && !fed && value->outer == NULL) {
        value->init->shape = value->shape = shape;
        return eki_write_parameter(w, role, out);
    }
    EKI_TRY(eki_write_parameter(w, role, out));
    EKI_TRY(eki_write_ints(w, "channels", shape.dims, shape.rank, &to));
    return eki_write_op(w, EKI_OP_Reshape, eki_role_name(role), *out, to, out);
}

ek_status eki_write_affine(eki_writer *w, eki_value *scale, eki_value *bias, eki_value **value) {
    if (scale != NULL) EKI_TRY(eki_write_op(w, EKI_OP_Mul, "scaled", *value, scale, value));
    if (bias != NULL) EKI_TRY(eki_write_op(w, EKI_OP_Add, "shifted", *value, bias, value));
    return EK_OK;
}

void eki_write_as(eki_value *value, eki_value *result) {
    eki_node *node = value->producer;
    node->out[0] = result;
    result->producer = node;
    result->producer_output = 0;
    value->producer = NULL;
}
