/* graph.c: life and building of graphs.
 *
 * Everything but tensor data and the growing arrays lives in the graph's arena, so that a graph is freed as a whole and
 * half-built graphs need no care.
 */
#include "onnx/graph.h"

#include "onnx/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ek_status no_memory(ek_error *err) {
    return eki_fail(err, EK_ERR_NOMEM, "out of memory while building a graph");
}

ek_status eki_graph_create(int64_t opset, eki_graph **out, ek_error *err) {
    *out = NULL;
    eki_graph *graph = eki_calloc(1, sizeof *graph);
    if (graph == NULL) return no_memory(err);
    graph->path = "";
    graph->name = "";
    graph->ir_version = 8;
    graph->names = eki_names_create();
    ek_status status = graph->names == NULL ? no_memory(err) : EK_OK;
    if (status == EK_OK && opset > 0) status = eki_graph_add_opset(graph, "", opset, err);
    if (status != EK_OK) {
        eki_graph_destroy(graph);
        return status;
    }
    *out = graph;
    return EK_OK;
}

ek_status eki_graph_add_child(eki_graph *graph, eki_graph **child, ek_error *err) {
    EKI_TRY(eki_graph_create(0, child, err));
    if (!eki_grow((void **)&graph->children, &graph->cap_children, graph->n_children + 1, sizeof *graph->children)) {
        eki_graph_destroy(*child);
        *child = NULL;
        return no_memory(err);
    }
    graph->children[graph->n_children++] = *child;
    (*child)->path = graph->path;
    (*child)->ir_version = graph->ir_version;
    (*child)->parent = graph;
    return EK_OK;
}

void eki_graph_forget(const eki_graph *graph, const void *data, size_t size) {
    while (graph->parent != NULL) graph = graph->parent;
    for (; graph != NULL; graph = graph->original) {
        if (eki_map_forget(&graph->map, data, size)) return;
        for (const eki_graph_file *file = graph->files; file != NULL; file = file->next) {
            if (eki_map_forget(&file->map, data, size)) return;
        }
    }
}

ek_status eki_graph_each(eki_graph *graph, eki_graph_visit visit, void *context, ek_error *err) {
    EKI_TRY(visit(context, graph, err));
    for (size_t i = 0; i < graph->n_children; i++) EKI_TRY(eki_graph_each(graph->children[i], visit, context, err));
    return EK_OK;
}

/* A tensor may be shared by two values. */
static void free_data(eki_tensor *tensor) {
    if (tensor == NULL || !tensor->owned) return;
    eki_free(tensor->data);
    tensor->owned = false;
    tensor->data = NULL;
}

void eki_graph_destroy(eki_graph *graph) {
    if (graph == NULL) return;
    for (size_t i = 0; i < graph->n_values; i++) free_data(graph->values[i]->init);
    for (size_t i = 0; i < graph->n_nodes; i++) {
        for (int k = 0; k < graph->nodes[i]->n_attr; k++) free_data(graph->nodes[i]->attrs[k].t);
    }
    free(graph->nodes);
    free(graph->values);
    free(graph->symbols);
    free(graph->opsets);
    free(graph->meta);
    free(graph->inputs);
    free(graph->outputs);
    eki_names_destroy(graph->names);
    eki_map_close(&graph->map);
    for (eki_graph_file *file = graph->files; file != NULL; file = file->next) eki_map_close(&file->map);
    for (size_t i = 0; i < graph->n_children; i++) eki_graph_destroy(graph->children[i]);
    free(graph->children);
    eki_arena_free(&graph->arena);
    free(graph);
}

eki_value *eki_graph_find_bytes(const eki_graph *graph, const void *name, size_t size) {
    return eki_names_find(graph->names, name, size);
}

eki_value *eki_graph_find(const eki_graph *graph, const char *name) {
    return eki_graph_find_bytes(graph, name, strlen(name));
}

static bool has_within(const eki_graph *graph, const char *name) {
    bool has = eki_graph_find(graph, name) != NULL;
    for (size_t i = 0; i < graph->n_children && !has; i++) {
        has = graph->children[i]->parent != NULL && has_within(graph->children[i], name);
    }
    return has;
}

bool eki_graph_has_name(const eki_graph *graph, const char *name) {
    while (graph->parent != NULL) graph = graph->parent;
    return has_within(graph, name);
}

ek_status eki_graph_value(eki_graph *graph, const char *name, eki_value **out, ek_error *err) {
    *out = eki_graph_find(graph, name);
    if (*out != NULL) return EK_OK;
    eki_value *value = eki_arena_alloc(&graph->arena, eki_sized(sizeof *value));
    if (value == NULL || (value->name = eki_arena_strdup(&graph->arena, name)) == NULL) return no_memory(err);
    value->id = (int)graph->n_values;
    value->shape.rank = -1;
    value->input_index = -1;
    if (!eki_grow((void **)&graph->values, &graph->cap_values, graph->n_values + 1, sizeof *graph->values) ||
        !eki_names_add(graph->names, value)) {
        return no_memory(err);
    }
    graph->values[graph->n_values++] = value;
    *out = value;
    return EK_OK;
}

ek_status eki_graph_add_input(eki_graph *graph, eki_value *value, ek_error *err) {
    if (value->input_index >= 0) {
        return eki_fail(err, EK_ERR_FORMAT, "graph input '%s' is listed twice; each input has one entry", value->name);
    }
    if (!eki_grow((void **)&graph->inputs, &graph->cap_inputs, graph->n_inputs + 1, sizeof *graph->inputs)) {
        return no_memory(err);
    }
    value->input_index = (int)graph->n_inputs;
    graph->inputs[graph->n_inputs++] = value;
    return EK_OK;
}

ek_status eki_graph_add_output(eki_graph *graph, eki_value *value, ek_error *err) {
    if (!eki_grow((void **)&graph->outputs, &graph->cap_outputs, graph->n_outputs + 1, sizeof *graph->outputs)) {
        return no_memory(err);
    }
    value->is_output = true;
    graph->outputs[graph->n_outputs++] = value;
    return EK_OK;
}

static ek_status claim_outputs(const eki_graph *graph, eki_node *node, ek_error *err) {
    for (int i = 0; i < node->n_out; i++) {
        eki_value *value = node->out[i];
        if (value == NULL) continue;
        char label[192];
        if (value->producer != NULL || value->init != NULL || value->input_index >= 0) {
            return eki_fail(err, EK_ERR_FORMAT,
                            "%s: value '%s' is written by %s but is already %s; names must be unique", graph->path,
                            value->name, eki_node_label(node, label),
                            value->producer != NULL ? "the output of another node" : "an input or initializer");
        }
        value->producer = node;
        value->producer_output = i;
    }
    return EK_OK;
}

/* Ends with NULL, so that the first of none may be asked for. */
static eki_value **copy_values(eki_arena *arena, eki_value *const *values, int count) {
    eki_value **copy = eki_arena_alloc(arena, eki_size_of((size_t)count + 1, sizeof *copy));
    if (copy != NULL && count > 0) memcpy(copy, values, (size_t)count * sizeof *copy);
    return copy;
}

ek_status eki_graph_add_node(eki_graph *graph, const char *op_type, const char *domain, const char *name,
                             eki_value *const *in, int n_in, eki_value *const *out, int n_out, eki_node **result,
                             ek_error *err) {
    eki_arena *arena = &graph->arena;
    eki_node *node = eki_arena_alloc(arena, eki_sized(sizeof *node));
    if (node == NULL) return no_memory(err);
    node->op = eki_op_code(op_type, domain);
    node->op_type = eki_arena_strdup(arena, op_type);
    node->domain = strcmp(domain, "ai.onnx") == 0 ? "" : eki_arena_strdup(arena, domain);
    node->name = eki_arena_strdup(arena, name);
    node->overload = "";
    node->n_in = n_in;
    node->n_out = n_out;
    node->in = copy_values(arena, in, n_in);
    node->out = copy_values(arena, out, n_out);
    node->id = (int)graph->n_nodes;
    if (!node->op_type || !node->domain || !node->name || !node->in || !node->out ||
        !eki_grow((void **)&graph->nodes, &graph->cap_nodes, graph->n_nodes + 1, sizeof *graph->nodes)) {
        return no_memory(err);
    }
    EKI_TRY(claim_outputs(graph, node, err));
    graph->nodes[graph->n_nodes++] = node;
    if (result != NULL) *result = node;
    return EK_OK;
}

ek_status eki_graph_fresh(eki_graph *graph, const char *stem, const char *suffix, eki_value **value, ek_error *err) {
    char name[512];
    int n = 0;
    do {
        (void)snprintf(name, sizeof name, n == 0 ? "%.400s/%s" : "%.400s/%s_%d", stem, suffix, n);
        n++;
    } while (eki_graph_has_name(graph, name));
    return eki_graph_value(graph, name, value, err);
}

ek_status eki_graph_add_op(eki_graph *graph, eki_opcode op, const char *name, eki_value *const *in, int n_in,
                           eki_value *const *out, int n_out, eki_node **result, ek_error *err) {
    return eki_graph_add_node(graph, eki_op_name(op), "", name, in, n_in, out, n_out, result, err);
}

void eki_node_become(eki_node *node, eki_opcode op) {
    node->op = op;
    node->op_type = eki_op_name(op);
}

void eki_node_drop(eki_node *node) {
    node->op = EKI_OP_NONE;
    node->op_type = NULL;
}

/* Which the file has, however often it was replaced. */
static eki_value *in_list(eki_value *value, enum eki_in_file list) {
    return (value->in_file & list) != 0 || value->replaces == NULL ? value : value->replaces;
}

void eki_graph_replace_input(eki_graph *graph, eki_value *old, eki_value *now) {
    now->input_index = old->input_index;
    now->replaces = in_list(old, EKI_IN_INPUTS);
    old->input_index = -1;
    graph->inputs[now->input_index] = now;
}

void eki_graph_replace_output(eki_graph *graph, eki_value *old, eki_value *now) {
    for (size_t i = 0; i < graph->n_outputs; i++) {
        if (graph->outputs[i] == old) graph->outputs[i] = now;
    }
    now->is_output = true;
    now->replaces = in_list(old, EKI_IN_OUTPUTS);
    old->is_output = false;
}

ek_status eki_graph_symbol(eki_graph *graph, const char *name, int64_t *dim, ek_error *err) {
    if (name[0] != '\0') {
        for (size_t i = 0; i < graph->n_symbols; i++) {
            if (strcmp(graph->symbols[i], name) == 0) {
                *dim = -1 - (int64_t)i;
                return EK_OK;
            }
        }
    }
    if (!eki_grow((void **)&graph->symbols, &graph->cap_symbols, graph->n_symbols + 1, sizeof *graph->symbols)) {
        return no_memory(err);
    }
    const char *copy = eki_arena_strdup(&graph->arena, name);
    if (copy == NULL) return no_memory(err);
    graph->symbols[graph->n_symbols++] = copy;
    *dim = -(int64_t)graph->n_symbols;
    return EK_OK;
}

static const char *normal_domain(const char *domain) { return strcmp(domain, "ai.onnx") == 0 ? "" : domain; }

ek_status eki_graph_add_opset(eki_graph *graph, const char *domain, int64_t version, ek_error *err) {
    domain = normal_domain(domain);
    for (size_t i = 0; i < graph->n_opsets; i++) {
        if (strcmp(graph->opsets[i].domain, domain) == 0) {
            graph->opsets[i].version = version;
            return EK_OK;
        }
    }
    eki_opset *grown = eki_realloc(graph->opsets, eki_size_of(graph->n_opsets + 1, sizeof *grown));
    if (grown == NULL) return no_memory(err);
    graph->opsets = grown;
    grown[graph->n_opsets] = (eki_opset){.domain = eki_arena_strdup(&graph->arena, domain), .version = version};
    if (grown[graph->n_opsets].domain == NULL) return no_memory(err);
    graph->n_opsets++;
    return EK_OK;
}

int64_t eki_graph_opset(const eki_graph *graph, const char *domain) {
    domain = normal_domain(domain);
    while (graph->parent != NULL) graph = graph->parent;
    for (size_t i = 0; i < graph->n_opsets; i++) {
        if (strcmp(graph->opsets[i].domain, domain) == 0) return graph->opsets[i].version;
    }
    return 0;
}

int64_t eki_node_opset(const eki_graph *graph, const eki_node *node) {
    return node->opset != 0 ? node->opset : eki_graph_opset(graph, node->domain);
}

const char *eki_graph_meta(const eki_graph *graph, const char *key) {
    for (size_t i = 0; i < graph->n_meta; i++) {
        if (strcmp(graph->meta[i].key, key) == 0) return graph->meta[i].value;
    }
    return NULL;
}

ek_status eki_graph_set_meta(eki_graph *graph, const char *key, const char *text, ek_error *err) {
    const char *copy = text != NULL ? eki_arena_strdup(&graph->arena, text) : NULL;
    if (text != NULL && copy == NULL) return no_memory(err);
    for (size_t i = 0; i < graph->n_meta; i++) {
        if (strcmp(graph->meta[i].key, key) == 0) {
            graph->meta[i].value = copy;
            return EK_OK;
        }
    }
    if (text == NULL) return EK_OK;
    if (!eki_grow((void **)&graph->meta, &graph->cap_meta, graph->n_meta + 1, sizeof *graph->meta)) {
        return no_memory(err);
    }
    const char *key_copy = eki_arena_strdup(&graph->arena, key);
    if (key_copy == NULL) return no_memory(err);
    graph->meta[graph->n_meta++] = (eki_meta){.key = key_copy, .value = copy};
    return EK_OK;
}

void eki_graph_sweep(eki_graph *graph) {
    size_t kept = 0;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        eki_node *node = graph->nodes[i];
        if (node->op_type == NULL) continue;
        node->id = (int)kept;
        graph->nodes[kept++] = node;
    }
    graph->n_nodes = kept;
}

const char *eki_node_output(const eki_node *node) {
    return node->n_out > 0 && node->out[0] != NULL ? node->out[0]->name : "";
}

const char *eki_node_name(const eki_node *node) { return node->name[0] != '\0' ? node->name : eki_node_output(node); }

const char *eki_node_label(const eki_node *node, char text[192]) {
    const char *op = node->op_type != NULL ? node->op_type : "removed";
    char label[192];
    if (node->name[0] != '\0') {
        (void)snprintf(label, sizeof label, "node '%.100s' (%.60s)", node->name, op);
    } else if (node->n_out > 0 && node->out[0] != NULL) {
        (void)snprintf(label, sizeof label, "node of output '%.90s' (%.60s)", node->out[0]->name, op);
    } else {
        (void)snprintf(label, sizeof label, "node %d (%.60s)", node->id, op);
    }
    (void)ek_text_show(label, strlen(label), text, 192);
    return text;
}
