/* import_graph.c: GraphProto to values, initializers and nodes.
 *
 * Five passes over the fields of the graph, each skipping by lengths: initializers, inputs, outputs, nodes, value_info.
 * The order gives values their data before nodes refer to them, whatever the order in the file. A value_info of a name
 * that nothing in the graph has (some exporters describe the insides of functions that way) is kept as bytes.
 */
#include "onnx/import.h"

#include "base/half.h"
#include "onnx/schema.h"
#include "onnx/value_info.h"

#include <limits.h>

static ek_status import_initializer(eki_import *import, eki_wire wire, ek_error *err) {
    eki_tensor *tensor;
    eki_bytes name;
    eki_value *value;
    size_t start = wire.at;
    EKI_TRY(eki_import_tensor(import, wire, true, &tensor, &name, err));
    if (name.size == 0) {
        return eki_fail(err, EK_ERR_FORMAT, "byte %zu: an initializer has no name, so nothing can use it", start);
    }
    EKI_TRY(eki_import_value(import, name.data, name.size, &value, err));
    if (value->init != NULL) {
        return eki_fail(err, EK_ERR_FORMAT, "byte %zu: initializer '%.200s' is given twice; names must be unique",
                        start, value->name);
    }
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
    value->keep = (eki_bytes){.data = wire.base + wire.at, .size = wire.end - wire.at};
    if (value->init != NULL) return EK_OK;
    value->stored = eki_is_half(info->dtype) ? info->dtype : EK_DTYPE_NONE;
    value->dtype = value->stored != EK_DTYPE_NONE ? EK_F32 : info->dtype;
    return info_shape(import, info, &value->shape, err);
}

static ek_status import_in_or_output(eki_import *import, eki_wire wire, bool input, ek_error *err) {
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
    return input ? eki_graph_add_input(import->graph, value, err) : eki_graph_add_output(import->graph, value, err);
}

static ek_status import_value_info(eki_import *import, eki_wire wire, ek_error *err) {
    eki_value_info info;
    eki_value *value;
    EKI_TRY(eki_value_info_read(wire, &info, err));
    EKI_TRY(eki_import_find(import, info.name.data, info.name.size, &value, err));
    return value != NULL ? declare(import, wire, &info, value, err) : EK_OK;
}

static bool keep_in_graph(eki_import *import, const eki_wire *wire, const eki_field *field, bool unmodelled) {
    if (field->number != GRAPH_VALUE_INFO) return unmodelled;
    eki_value_info info;
    eki_value *value;
    if (eki_value_info_read(eki_wire_inside(wire, field), &info, NULL) != EK_OK) return true;
    if (eki_import_find(import, info.name.data, info.name.size, &value, NULL) != EK_OK) return true;
    return value == NULL;
}

static ek_status import_item(eki_import *import, eki_wire wire, uint32_t number, size_t index, ek_error *err) {
    switch (number) {
    case GRAPH_INITIALIZER: return import_initializer(import, wire, err);
    case GRAPH_INPUT: return import_in_or_output(import, wire, true, err);
    case GRAPH_OUTPUT: return import_in_or_output(import, wire, false, err);
    case GRAPH_NODE: return eki_import_node(import, wire, index, err);
    default: return import_value_info(import, wire, err);
    }
}

static ek_status import_all(eki_import *import, eki_wire wire, uint32_t number, ek_error *err) {
    size_t index = 0;
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        if (field.number != number) continue;
        EKI_TRY(import_item(import, eki_wire_inside(&wire, &field), number, index, err));
        index++;
    }
}

/* The least memory that so many items will need, so that a file of empty messages is refused at once. */
static ek_status charge_items(eki_import *import, eki_wire wire, ek_error *err) {
    size_t bytes = 0, items = 0;
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) break;
        if (field.number == GRAPH_SPARSE_INITIALIZER) {
            return eki_fail(err, EK_ERR_UNSUPPORTED,
                            "byte %zu: the graph has sparse initializers, which are not supported; save them densely",
                            field.start);
        }
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

ek_status eki_import_graph(eki_import *import, eki_wire wire, ek_error *err) {
    const uint64_t modelled = EKI_FIELD_BIT(GRAPH_NODE) | EKI_FIELD_BIT(GRAPH_NAME) | EKI_FIELD_BIT(GRAPH_INITIALIZER) |
                              EKI_FIELD_BIT(GRAPH_INPUT) | EKI_FIELD_BIT(GRAPH_OUTPUT) |
                              EKI_FIELD_BIT(GRAPH_VALUE_INFO);
    const uint32_t order[] = {GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT, GRAPH_NODE, GRAPH_VALUE_INFO};
    EKI_TRY(charge_items(import, wire, err));
    EKI_TRY(import_name(import, wire, err));
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) EKI_TRY(import_all(import, wire, order[i], err));
    import->graph->half = half_of_largest(import->graph);
    return eki_import_keep(import, wire, modelled, keep_in_graph, &import->graph->keep_graph, err);
}
