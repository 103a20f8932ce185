/* export.c: a graph as ModelProto, into a writer.
 *
 * Written from the graph: ir_version, opset imports, metadata, nodes, initializers, inputs, outputs and the value_info
 * of values that still exist. Everything else comes from the kept bytes. The order of all parts follows from the order
 * of nodes and of initializers only, so that a file that was written once is written the same again.
 */
#include "onnx/onnx.h"

#include "onnx/export.h"
#include "onnx/schema.h"

#include <evenkeel/version.h>

static void emit_opset(eki_emit *emit, const eki_graph *graph, const void *item) {
    (void)graph;
    const eki_opset *opset = item;
    eki_emit_text(emit, OPSET_DOMAIN, opset->domain);
    eki_emit_varint(emit, OPSET_VERSION, (uint64_t)opset->version);
}

static void emit_entry(eki_emit *emit, const eki_graph *graph, const void *item) {
    (void)graph;
    const eki_meta *meta = item;
    eki_emit_text(emit, ENTRY_KEY, meta->key);
    eki_emit_text(emit, ENTRY_VALUE, meta->value);
}

/* Inputs and outputs have lists of their own; of the others, those that a node or data provides are described. */
static void emit_described(eki_emit *emit, const eki_graph *graph, const eki_value *value) {
    if (value == NULL || !value->declared || value->input_index >= 0 || value->is_output) return;
    eki_emit_message(emit, GRAPH_VALUE_INFO, eki_export_value_info, graph, value);
}

static void emit_value_infos(eki_emit *emit, const eki_graph *graph) {
    for (size_t i = 0; i < graph->n_values; i++) {
        if (graph->values[i]->init != NULL) emit_described(emit, graph, graph->values[i]);
    }
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        if (node->op_type == NULL) continue;
        for (int k = 0; k < node->n_out; k++) emit_described(emit, graph, node->out[k]);
    }
}

static void emit_graph(eki_emit *emit, const eki_graph *graph, const void *item) {
    (void)item;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        if (graph->nodes[i]->op_type == NULL) continue;
        eki_emit_message(emit, GRAPH_NODE, eki_export_node, graph, graph->nodes[i]);
    }
    /* A name is obligatory; a graph from a file keeps what it had. */
    const char *name = graph->name[0] == '\0' && graph->path[0] == '\0' ? "evenkeel" : graph->name;
    if (name[0] != '\0') eki_emit_text(emit, GRAPH_NAME, name);
    for (size_t i = 0; i < graph->n_values; i++) {
        if (graph->values[i]->init == NULL) continue;
        eki_emit_message(emit, GRAPH_INITIALIZER, eki_export_initializer, graph, graph->values[i]);
    }
    eki_emit_raw(emit, graph->keep_graph.data, graph->keep_graph.size);
    for (size_t i = 0; i < graph->n_inputs; i++) {
        eki_emit_message(emit, GRAPH_INPUT, eki_export_value_info, graph, graph->inputs[i]);
    }
    for (size_t i = 0; i < graph->n_outputs; i++) {
        eki_emit_message(emit, GRAPH_OUTPUT, eki_export_value_info, graph, graph->outputs[i]);
    }
    emit_value_infos(emit, graph);
}

static void emit_model(eki_emit *emit, const eki_graph *graph) {
    if (graph->ir_version != 0) eki_emit_varint(emit, MODEL_IR_VERSION, (uint64_t)graph->ir_version);
    if (graph->path[0] == '\0' && graph->keep_model.size == 0) {
        eki_emit_text(emit, MODEL_PRODUCER_NAME, "evenkeel");
        eki_emit_text(emit, MODEL_PRODUCER_VERSION, EK_VERSION_STRING);
    }
    eki_emit_raw(emit, graph->keep_model.data, graph->keep_model.size);
    for (size_t i = 0; i < graph->n_opsets; i++) {
        eki_emit_message(emit, MODEL_OPSET_IMPORT, emit_opset, graph, &graph->opsets[i]);
    }
    eki_emit_message(emit, MODEL_GRAPH, emit_graph, graph, NULL);
    for (size_t i = 0; i < graph->n_meta; i++) {
        eki_emit_message(emit, MODEL_METADATA_PROPS, emit_entry, graph, &graph->meta[i]);
    }
}

ek_status eki_onnx_write(const eki_graph *graph, eki_writer *writer, ek_error *err) {
    eki_emit count = {.writer = NULL, .status = EK_OK};
    emit_model(&count, graph);
    if (count.size > INT32_MAX) {
        return eki_fail(err, EK_ERR_LIMIT, "the model has %llu bytes, an ONNX file holds at most 2 GiB",
                        (unsigned long long)count.size);
    }
    eki_emit emit = {.writer = writer, .status = EK_OK, .err = err};
    emit_model(&emit, graph);
    return emit.status;
}

ek_status eki_onnx_save(const eki_graph *graph, const char *path, ek_error *err) {
    eki_writer *writer;
    EKI_TRY(eki_writer_open(path, &writer, err));
    ek_status status = eki_onnx_write(graph, writer, err);
    if (status != EK_OK) {
        eki_writer_discard(writer);
        return status == EK_ERR_LIMIT ? eki_error_prefix(err, status, "%.1000s", path) : status;
    }
    return eki_writer_commit(writer, err);
}
