/* import_function.c: FunctionProto: an operator by its body, a graph with opsets of its own whose inputs and outputs
 * are names without types.
 */
#include "onnx/import.h"

#include "onnx/scan.h"
#include "onnx/schema.h"

static ek_status import_port(eki_import *import, eki_wire wire, uint32_t number, size_t index, ek_error *err) {
    (void)index;
    eki_value *value;
    if (wire.at == wire.end) return EK_OK; /* the empty name */
    EKI_TRY(eki_import_value(import, wire.base + wire.at, wire.end - wire.at, &value, err));
    return number == FUNCTION_INPUT ? eki_graph_add_input(import->graph, value, err)
                                    : eki_graph_add_output(import->graph, value, err);
}

static ek_status import_function_opset(eki_import *import, eki_wire wire, uint32_t number, size_t index,
                                       ek_error *err) {
    (void)number;
    (void)index;
    return eki_import_opset(import, wire, err);
}

static ek_status import_names(eki_import *import, eki_wire wire, eki_function *function, ek_error *err) {
    function->domain = function->name = function->overload = "";
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        if (field.number == FUNCTION_NAME) EKI_TRY(eki_import_text(import, &field, &function->name, err));
        if (field.number == FUNCTION_DOMAIN) EKI_TRY(eki_import_text(import, &field, &function->domain, err));
        if (field.number == FUNCTION_OVERLOAD && field.type == EKI_WIRE_BYTES)
            EKI_TRY(eki_import_text(import, &field, &function->overload, err));
        if (field.number == FUNCTION_ATTRIBUTE_PROTO) function->n_defaults++;
    }
}

/* The schema may be too old to know the field, so that the scan has not looked into it: what is no attribute here is
 * none. */
static ek_status import_default(eki_import *import, const eki_wire *wire, const eki_field *field,
                                eki_function *function, ek_error *err) {
    ek_error ignored;
    eki_attr *attr = &function->defaults[function->n_defaults];
    if (field->type != EKI_WIRE_BYTES || !eki_onnx_is_plain_attribute(field->data, field->size)) return EK_OK;
    ek_status status = eki_import_attr(import, eki_wire_inside(wire, field), attr, &ignored);
    if (status == EK_OK) function->n_defaults++;
    if ((status == EK_ERR_NOMEM || status == EK_ERR_LIMIT) && err != NULL) *err = ignored;
    return status == EK_ERR_NOMEM || status == EK_ERR_LIMIT ? status : EK_OK;
}

static ek_status import_defaults(eki_import *import, eki_wire wire, eki_function *function, ek_error *err) {
    void *memory;
    EKI_TRY(eki_import_alloc(import, (size_t)function->n_defaults * sizeof *function->defaults, &memory, err));
    function->defaults = memory;
    function->n_defaults = 0;
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        if (field.number == FUNCTION_ATTRIBUTE_PROTO) EKI_TRY(import_default(import, &wire, &field, function, err));
    }
}

static ek_status import_body(eki_import *import, eki_wire wire, ek_error *err) {
    import->graph->origin = eki_import_origin(&wire);
    EKI_TRY(eki_import_all(import, wire, FUNCTION_OPSET_IMPORT, import_function_opset, err));
    EKI_TRY(eki_import_all(import, wire, FUNCTION_INPUT, import_port, err));
    EKI_TRY(eki_import_all(import, wire, FUNCTION_OUTPUT, import_port, err));
    return eki_import_nodes(import, wire, FUNCTION_NODE, err);
}

static ek_status import_function(eki_import *import, eki_wire wire, uint32_t number, size_t index, ek_error *err) {
    (void)number;
    eki_function *function = &import->graph->functions[index];
    EKI_TRY(import_names(import, wire, function, err));
    EKI_TRY(import_defaults(import, wire, function, err));
    EKI_TRY(eki_import_inner(import, wire, import_body, &function->body, err));
    function->body->is_function = true;
    function->body->name = function->name;
    return EK_OK;
}

static ek_status count_function(eki_import *import, eki_wire wire, uint32_t number, size_t index, ek_error *err) {
    (void)wire;
    (void)number;
    (void)err;
    import->graph->n_functions = index + 1;
    return EK_OK;
}

ek_status eki_import_functions(eki_import *import, eki_wire model, ek_error *err) {
    void *memory;
    EKI_TRY(eki_import_all(import, model, MODEL_FUNCTIONS, count_function, err));
    EKI_TRY(eki_import_alloc(import, import->graph->n_functions * sizeof(eki_function), &memory, err));
    import->graph->functions = memory;
    return eki_import_all(import, model, MODEL_FUNCTIONS, import_function, err);
}
