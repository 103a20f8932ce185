/* export.c: a document as ModelProto, into a writer.
 *
 * What came from a file is walked field by field, in the order of the file: fields that still hold are copied, others
 * replaced, removed ones left out; what is new stands at its place (nodes, before the first that reads them) or at the
 * end of its message. A document made here has nothing to walk and is written in a fixed order, so that the same
 * document always gives the same bytes.
 */
#include "onnx/onnx.h"

#include "onnx/export.h"
#include "onnx/schema.h"
#include "onnx/value_info.h"

#include <evenkeel/version.h>
#include <string.h>

/* ---- graphs ---- */

static const eki_value *value_of(const eki_graph *graph, const eki_field *field, uint32_t name_field) {
    eki_wire wire = eki_wire_of(field->data, 0, field->size);
    bool more;
    for (eki_field f; eki_wire_next(&wire, &f, &more, NULL) == EK_OK && more;) {
        if (f.number == name_field) return eki_graph_find_bytes(graph, f.data, f.size);
    }
    return NULL;
}

static void patch_initializer(eki_patch *p, const eki_field *f, const eki_graph *graph) {
    const eki_value *value = value_of(graph, f, TENSOR_NAME);
    if (value != NULL && value->opaque) {
        eki_patch_copy(p, f);
    } else if (value == NULL || value->init == NULL) {
        eki_patch_drop(p);
    } else if (value->init->origin.data == f->data) {
        eki_patch_message(p, f, eki_export_initializer, graph, value);
    } else {
        eki_patch_drop(p);
        eki_emit_message(p->emit, GRAPH_INITIALIZER, eki_export_initializer, graph, value);
    }
}

static bool still_there(const eki_value *value, uint32_t number) {
    if (number == GRAPH_INPUT) return value->input_index >= 0;
    if (number == GRAPH_OUTPUT) return value->is_output;
    return value->declared && (value->init != NULL || value->opaque || value->producer != NULL ||
                               value->input_index >= 0 || value->outer != NULL);
}

/* The input or output that came in its place, or NULL. */
static const eki_value *replacement(const eki_graph *graph, const eki_value *value, uint32_t number) {
    eki_value **list = number == GRAPH_INPUT ? graph->inputs : graph->outputs;
    size_t count = number == GRAPH_INPUT ? graph->n_inputs : number == GRAPH_OUTPUT ? graph->n_outputs : 0;
    for (size_t i = 0; i < count; i++) {
        if (list[i]->replaces == value) return list[i];
    }
    return NULL;
}

static void emit_declaration(eki_emit *emit, const eki_graph *graph, uint32_t number, const eki_value *value) {
    eki_declaration declaration = {.value = value, .origin = value->origin};
    eki_emit_message(emit, number, eki_export_declaration, graph, &declaration);
}

/* A name that nothing in the graph has (some exporters describe the insides of functions so) stays described. */
static void patch_declaration(eki_patch *p, const eki_field *f, const eki_graph *graph) {
    const eki_value *value = value_of(graph, f, VALUE_INFO_NAME);
    if (value == NULL || (value->in_file & (EKI_IN_INPUTS | EKI_IN_OUTPUTS | EKI_IN_VALUE_INFO)) == 0) {
        eki_patch_copy(p, f);
        return;
    }
    if (!still_there(value, f->number)) {
        const eki_value *now = replacement(graph, value, f->number);
        eki_patch_drop(p);
        if (now != NULL) emit_declaration(p->emit, graph, f->number, now);
        return;
    }
    /* A second declaration of the same value changes when the first one has to. */
    eki_declaration first = {.value = value, .origin = value->origin};
    eki_declaration this = {.value = value, .origin = {.data = f->data, .size = f->size}};
    eki_emit count = eki_emit_counting(p->emit);
    eki_export_declaration(&count, graph, &first);
    if (count.changed) {
        eki_patch_message(p, f, eki_export_declaration, graph, &this);
    } else {
        eki_patch_copy(p, f);
    }
}

/* Whether the list of the file has it, or the one that it replaces. */
static bool listed(const eki_value *value, enum eki_in_file list) {
    const eki_value *place = value->replaces;
    return (value->in_file & list) != 0 || (place != NULL && (place->in_file & list) != 0);
}

/* Inputs and outputs have lists of their own; of the others, those that a node or data provides are described, where
 * their type is known. */
static void emit_new_value_info(eki_emit *emit, const eki_graph *graph, const eki_value *value) {
    if (value == NULL || !value->declared || value->input_index >= 0 || value->is_output) return;
    if (value->dtype == EK_DTYPE_NONE) return;
    if ((value->in_file & EKI_IN_VALUE_INFO) == 0) emit_declaration(emit, graph, GRAPH_VALUE_INFO, value);
}

static void emit_new_values(eki_emit *emit, const eki_graph *graph) {
    for (size_t i = 0; i < graph->n_values; i++) {
        const eki_value *value = graph->values[i];
        if (value->init == NULL || (value->in_file & EKI_IN_INITIALIZERS) != 0) continue;
        eki_emit_message(emit, GRAPH_INITIALIZER, eki_export_initializer, graph, value);
    }
    for (size_t i = 0; i < graph->n_inputs; i++) {
        if (listed(graph->inputs[i], EKI_IN_INPUTS)) continue;
        emit_declaration(emit, graph, GRAPH_INPUT, graph->inputs[i]);
    }
    for (size_t i = 0; i < graph->n_outputs; i++) {
        if (listed(graph->outputs[i], EKI_IN_OUTPUTS)) continue;
        emit_declaration(emit, graph, GRAPH_OUTPUT, graph->outputs[i]);
    }
    for (size_t i = 0; i < graph->n_values; i++) {
        if (graph->values[i]->init != NULL) emit_new_value_info(emit, graph, graph->values[i]);
    }
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        for (int k = 0; node->op_type != NULL && k < node->n_out; k++) emit_new_value_info(emit, graph, node->out[k]);
    }
}

void eki_export_graph(eki_emit *emit, const eki_graph *graph, const void *item) {
    (void)item;
    eki_patch p = eki_patch_of(emit, graph->origin);
    size_t node = 0;
    /* A name is obligatory; a graph from a file keeps what it had. */
    const char *name = graph->name[0] == '\0' && graph->origin.data == NULL ? "evenkeel" : graph->name;
    for (eki_field f; eki_patch_next(&p, &f);) {
        switch (f.number) {
        case GRAPH_NODE: eki_export_file_node(&p, &f, graph, node++); break;
        case GRAPH_NAME: eki_patch_text(&p, &f, name); break;
        case GRAPH_INITIALIZER: patch_initializer(&p, &f, graph); break;
        case GRAPH_INPUT:
        case GRAPH_OUTPUT:
        case GRAPH_VALUE_INFO: patch_declaration(&p, &f, graph); break;
        default: eki_patch_copy(&p, &f); break;
        }
    }
    eki_export_last_nodes(emit, graph, GRAPH_NODE);
    if (!eki_patch_seen(&p, GRAPH_NAME) && name[0] != '\0') eki_emit_text(emit, GRAPH_NAME, name);
    emit_new_values(emit, graph);
}

static void function_body(eki_emit *emit, const eki_graph *graph, const void *item) {
    (void)item;
    eki_patch p = eki_patch_of(emit, graph->origin);
    size_t node = 0;
    for (eki_field f; eki_patch_next(&p, &f);) {
        if (f.number == FUNCTION_NODE) {
            eki_export_file_node(&p, &f, graph, node++);
        } else {
            eki_patch_copy(&p, &f);
        }
    }
    eki_export_last_nodes(emit, graph, FUNCTION_NODE);
}

/* ---- the model ---- */

static void opset_body(eki_emit *emit, const eki_graph *graph, const void *item) {
    (void)graph;
    const eki_opset *opset = item;
    eki_patch p = eki_patch_of(emit, opset->origin);
    for (eki_field f; eki_patch_next(&p, &f);) {
        if (f.number == OPSET_VERSION) {
            eki_patch_varint(&p, &f, (uint64_t)opset->version);
        } else {
            eki_patch_copy(&p, &f);
        }
    }
    if (opset->origin.data == NULL) eki_emit_text(emit, OPSET_DOMAIN, opset->domain);
    if (!eki_patch_seen(&p, OPSET_VERSION)) eki_emit_varint(emit, OPSET_VERSION, (uint64_t)opset->version);
}

static void entry_body(eki_emit *emit, const eki_graph *graph, const void *item) {
    (void)graph;
    const eki_meta *meta = item;
    eki_patch p = eki_patch_of(emit, meta->origin);
    for (eki_field f; eki_patch_next(&p, &f);) {
        if (f.number == ENTRY_VALUE) {
            eki_patch_text(&p, &f, meta->value);
        } else {
            eki_patch_copy(&p, &f);
        }
    }
    if (meta->origin.data == NULL) eki_emit_text(emit, ENTRY_KEY, meta->key);
    if (!eki_patch_seen(&p, ENTRY_VALUE) && (meta->origin.data == NULL || meta->value[0] != '\0')) {
        eki_emit_text(emit, ENTRY_VALUE, meta->value);
    }
}

static bool is_domain(const eki_field *f, const char *domain) {
    bool onnx = f->size == strlen("ai.onnx") && memcmp(f->data, "ai.onnx", f->size) == 0;
    size_t size = onnx ? 0 : f->size;
    return strlen(domain) == size && (size == 0 || memcmp(domain, f->data, size) == 0);
}

/* A domain that is imported twice is so with one version, then and now. */
static void patch_opset(eki_patch *p, const eki_field *f, const eki_graph *graph) {
    eki_wire wire = eki_wire_of(f->data, 0, f->size);
    eki_field domain = {.data = (const unsigned char *)""};
    bool more;
    for (eki_field part; eki_wire_next(&wire, &part, &more, NULL) == EK_OK && more;) {
        if (part.number == OPSET_DOMAIN) domain = part;
    }
    for (size_t i = 0; i < graph->n_opsets; i++) {
        eki_opset opset = graph->opsets[i];
        if (!is_domain(&domain, opset.domain)) continue;
        opset.origin = (eki_bytes){.data = f->data, .size = f->size};
        eki_patch_message(p, f, opset_body, graph, &opset);
        return;
    }
    eki_patch_drop(p);
}

/* Of several entries with one key the last counts; the others stay as long as it does. */
static void patch_entry(eki_patch *p, const eki_field *f, const eki_graph *graph) {
    const eki_meta *meta = NULL;
    eki_wire wire = eki_wire_of(f->data, 0, f->size);
    eki_bytes key = {.data = "", .size = 0};
    bool more;
    for (eki_field entry; eki_wire_next(&wire, &entry, &more, NULL) == EK_OK && more;) {
        if (entry.number == ENTRY_KEY) key = (eki_bytes){.data = entry.data, .size = entry.size};
    }
    for (size_t i = 0; meta == NULL && i < graph->n_meta; i++) {
        bool same = strlen(graph->meta[i].key) == key.size && memcmp(graph->meta[i].key, key.data, key.size) == 0;
        if (same) meta = &graph->meta[i];
    }
    if (meta == NULL || meta->value == NULL) {
        eki_patch_drop(p);
    } else if (meta->origin.data == f->data) {
        eki_patch_message(p, f, entry_body, graph, meta);
    } else {
        eki_patch_copy(p, f);
    }
}

static void emit_new_parts(eki_emit *emit, const eki_graph *graph, const eki_patch *p) {
    for (size_t i = 0; i < graph->n_opsets; i++) {
        const eki_opset *opset = &graph->opsets[i];
        if (opset->origin.data != NULL || (opset->implied && opset->version == 1)) continue;
        eki_emit_message(emit, MODEL_OPSET_IMPORT, opset_body, graph, opset);
    }
    if (!eki_patch_seen(p, MODEL_GRAPH)) eki_emit_message(emit, MODEL_GRAPH, eki_export_graph, graph, NULL);
    for (size_t i = 0; i < graph->n_meta; i++) {
        if (graph->meta[i].origin.data != NULL || graph->meta[i].value == NULL) continue;
        eki_emit_message(emit, MODEL_METADATA_PROPS, entry_body, graph, &graph->meta[i]);
    }
}

static void emit_model(eki_emit *emit, const eki_graph *graph) {
    eki_patch p = eki_patch_of(emit, graph->model_origin);
    size_t function = 0;
    for (eki_field f; eki_patch_next(&p, &f);) {
        switch (f.number) {
        case MODEL_IR_VERSION: eki_patch_varint(&p, &f, (uint64_t)graph->ir_version); break;
        case MODEL_OPSET_IMPORT: patch_opset(&p, &f, graph); break;
        case MODEL_METADATA_PROPS: patch_entry(&p, &f, graph); break;
        case MODEL_GRAPH: eki_patch_message(&p, &f, eki_export_graph, graph, NULL); break;
        case MODEL_FUNCTIONS:
            if (function < graph->n_functions) {
                eki_patch_message(&p, &f, function_body, graph->functions[function++].body, NULL);
            } else {
                eki_patch_copy(&p, &f);
            }
            break;
        default: eki_patch_copy(&p, &f); break;
        }
    }
    if (!eki_patch_seen(&p, MODEL_IR_VERSION) && graph->ir_version != 0) {
        eki_emit_varint(emit, MODEL_IR_VERSION, (uint64_t)graph->ir_version);
    }
    if (graph->model_origin.data == NULL) {
        eki_emit_text(emit, MODEL_PRODUCER_NAME, "evenkeel");
        eki_emit_text(emit, MODEL_PRODUCER_VERSION, EK_VERSION_STRING);
    }
    emit_new_parts(emit, graph, &p);
}

ek_status eki_onnx_put(const eki_graph *graph, const struct eki_places *places, eki_writer *writer, ek_error *err) {
    eki_emit count = {.writer = NULL, .status = EK_OK, .graph = graph, .places = places};
    emit_model(&count, graph);
    if (count.size > INT32_MAX) {
        return eki_fail(err, EK_ERR_LIMIT,
                        "the model has %llu bytes, an ONNX file holds at most 2 GiB; keep its weights in a file beside "
                        "it (external data)",
                        (unsigned long long)count.size);
    }
    eki_emit emit = {.writer = writer, .status = EK_OK, .err = err, .graph = graph, .places = places};
    emit_model(&emit, graph);
    return emit.status;
}

ek_status eki_onnx_write(const eki_graph *graph, eki_writer *writer, ek_error *err) {
    return eki_onnx_put(graph, NULL, writer, err);
}
