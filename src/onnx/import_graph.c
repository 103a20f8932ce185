/* import_graph.c: GraphProto to values, initializers and nodes.
 *
 * Five passes over the fields of the graph, each skipping by lengths: initializers, inputs, outputs, nodes, value_info.
 * The order gives values their data before nodes refer to them, whatever the order in the file.
 */
#include "onnx/import.h"

#include "base/half.h"
#include "onnx/schema.h"
#include "onnx/value_info.h"

#include <limits.h>

static ek_status import_initializer(eki_import *import, eki_wire wire, uint32_t number, size_t index, ek_error *err) {
    eki_tensor *tensor;
    eki_bytes name;
    eki_value *value;
    size_t start = wire.at;
    (void)number;
    (void)index;
    import->may_sleep = true;
    ek_status status = eki_import_tensor(import, wire, &tensor, &name, err);
    import->may_sleep = false;
    EKI_TRY(status);
    if (name.size == 0) {
        return eki_fail(err, EK_ERR_FORMAT, "byte %zu: an initializer has no name, so nothing can use it", start);
    }
    EKI_TRY(eki_import_value(import, name.data, name.size, &value, err));
    if (value->init != NULL || value->opaque) {
        return eki_fail(err, EK_ERR_FORMAT, "byte %zu: initializer '%.200s' is given twice; names must be unique",
                        start, value->name);
    }
    value->in_file |= EKI_IN_INITIALIZERS;
    value->opaque = tensor == NULL;
    if (tensor == NULL) return EK_OK;
    value->init = tensor;
    value->dtype = tensor->dtype;
    value->stored = tensor->stored;
    value->shape = tensor->shape;
    return EK_OK;
}

static ek_status info_shape(eki_import *import, const eki_value_info *info, eki_shape *shape, ek_error *err) {
    *shape = (eki_shape){.rank = info->rank};
    for (int i = 0; i < info->rank; i++) {
        const eki_dim_info *dim = &info->dims[i];
        shape->dims[i] = dim->value;
        if (dim->value < 0) {
            EKI_TRY(eki_import_symbol(import, dim->param.data, dim->param.size, &shape->dims[i], err));
        }
    }
    return EK_OK;
}

/* Takes over what is declared, once. The data of an initializer says more and must agree. */
static ek_status declare(eki_import *import, eki_wire wire, const eki_value_info *info, eki_value *value,
                         ek_error *err) {
    if (value->declared) return EK_OK;
    if (value->init != NULL && info->dtype != EK_DTYPE_NONE && !eki_value_info_agrees(info, import->graph, value)) {
        char text[192];
        return eki_fail(err, EK_ERR_FORMAT,
                        "byte %zu: '%.200s' is declared with another type or shape than its data, %s%s; the file is "
                        "damaged",
                        wire.at, value->name, eki_dtype_name(value->dtype),
                        eki_shape_text(import->graph, &value->shape, text));
    }
    value->declared = true;
    value->origin = eki_import_origin(&wire);
    if (value->init != NULL) return EK_OK;
    value->stored = eki_is_half(info->dtype) ? info->dtype : EK_DTYPE_NONE;
    value->dtype = value->stored != EK_DTYPE_NONE ? EK_F32 : info->dtype;
    return info_shape(import, info, &value->shape, err);
}

static ek_status import_in_or_output(eki_import *import, eki_wire wire, uint32_t number, size_t index, ek_error *err) {
    (void)index;
    bool input = number == GRAPH_INPUT;
    const char *what = input ? "input" : "output";
    eki_value_info info;
    eki_value *value;
    EKI_TRY(eki_value_info_read(wire, &info, err));
    if (info.name.size == 0) {
        return eki_fail(err, EK_ERR_FORMAT, "byte %zu: a graph %s has no name; the file is damaged", wire.at, what);
    }
    EKI_TRY(eki_import_value(import, info.name.data, info.name.size, &value, err));
    if (input ? value->input_index >= 0 : value->is_output) {
        return eki_fail(err, EK_ERR_FORMAT, "byte %zu: graph %s '%.200s' is listed twice; names must be unique",
                        wire.at, what, value->name);
    }
    EKI_TRY(declare(import, wire, &info, value, err));
    value->in_file |= input ? EKI_IN_INPUTS : EKI_IN_OUTPUTS;
    return input ? eki_graph_add_input(import->graph, value, err) : eki_graph_add_output(import->graph, value, err);
}

static ek_status import_value_info(eki_import *import, eki_wire wire, uint32_t number, size_t index, ek_error *err) {
    (void)number;
    (void)index;
    eki_value_info info;
    eki_value *value;
    EKI_TRY(eki_value_info_read(wire, &info, err));
    EKI_TRY(eki_import_find(import, info.name.data, info.name.size, &value, err));
    if (value == NULL) return EK_OK;
    value->in_file |= EKI_IN_VALUE_INFO;
    return declare(import, wire, &info, value, err);
}

/* The least memory that so many items will need, so that a file of empty messages is refused at once. */
static ek_status charge_items(eki_import *import, eki_wire wire, ek_error *err) {
    size_t bytes = 0, items = 0;
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) break;
        if (field.number == GRAPH_NODE) bytes += sizeof(eki_node) + sizeof(eki_value);
        if (field.number == GRAPH_INITIALIZER) bytes += sizeof(eki_tensor) + sizeof(eki_value);
        if (field.number == GRAPH_INPUT || field.number == GRAPH_OUTPUT) bytes += sizeof(eki_value);
        items++;
    }
    if (items > INT_MAX / 2) return eki_fail(err, EK_ERR_LIMIT, "the graph has %zu items, too many", items);
    return eki_import_charge(import, bytes, err);
}

static ek_status import_name(eki_import *import, eki_wire wire, ek_error *err) {
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        if (field.number == GRAPH_NAME) EKI_TRY(eki_import_text(import, &field, &import->graph->name, err));
    }
}

static ek_dtype half_of_largest(const eki_graph *graph) {
    const eki_tensor *largest = NULL;
    for (size_t i = 0; i < graph->n_values; i++) {
        const eki_tensor *tensor = graph->values[i]->init;
        if (tensor == NULL || tensor->dtype != EK_F32) continue;
        if (largest == NULL || tensor->bytes > largest->bytes) largest = tensor;
    }
    return largest != NULL ? largest->stored : EK_DTYPE_NONE;
}

/* SparseTensorProto: `values` (field 1) has the name. */
static ek_status import_sparse(eki_import *import, eki_wire wire, uint32_t number, size_t index, ek_error *err) {
    (void)number;
    (void)index;
    eki_tensor *values;
    eki_bytes name = {0};
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) break;
        if (field.number != SPARSE_VALUES) continue;
        EKI_TRY(eki_import_tensor(import, eki_wire_inside(&wire, &field), &values, &name, err));
    }
    eki_value *value;
    if (name.size == 0) return EK_OK;
    EKI_TRY(eki_import_value(import, name.data, name.size, &value, err));
    value->opaque = true;
    return EK_OK;
}

ek_status eki_import_graph(eki_import *import, eki_wire wire, ek_error *err) {
    import->graph->origin = eki_import_origin(&wire);
    EKI_TRY(charge_items(import, wire, err));
    EKI_TRY(import_name(import, wire, err));
    EKI_TRY(eki_import_all(import, wire, GRAPH_INITIALIZER, import_initializer, err));
    EKI_TRY(eki_import_all(import, wire, GRAPH_SPARSE_INITIALIZER, import_sparse, err));
    EKI_TRY(eki_import_all(import, wire, GRAPH_INPUT, import_in_or_output, err));
    EKI_TRY(eki_import_all(import, wire, GRAPH_OUTPUT, import_in_or_output, err));
    EKI_TRY(eki_import_nodes(import, wire, GRAPH_NODE, err));
    EKI_TRY(eki_import_all(import, wire, GRAPH_VALUE_INFO, import_value_info, err));
    import->graph->half = half_of_largest(import->graph);
    return EK_OK;
}

ek_status eki_import_inner(eki_import *import, eki_wire wire, eki_import_body body, eki_graph **graph, ek_error *err) {
    EKI_TRY(eki_import_charge(import, sizeof **graph + 2 * sizeof(void *), err));
    EKI_TRY(eki_graph_add_child(import->graph, graph, err));
    eki_import inner = {.graph = *graph, .folder = import->folder, .budget = import->budget, .outer = import};
    if (body != eki_import_graph) (*graph)->parent = NULL;
    ek_status status = body(&inner, wire, err);
    import->nested_used += eki_import_used(&inner) + sizeof **graph;
    eki_import_free(&inner);
    return status;
}

ek_status eki_import_nested(eki_import *import, eki_wire wire, eki_graph **graph, ek_error *err) {
    return eki_import_inner(import, wire, eki_import_graph, graph, err);
}
