/* attr.c: reading and setting node attributes. A node has few, so a linear search is the fastest table. */
#include "onnx/graph.h"

#include <string.h>

static eki_attr *find(const eki_node *node, const char *name) {
    for (int i = 0; i < node->n_attr; i++) {
        if (strcmp(node->attrs[i].name, name) == 0) return &node->attrs[i];
    }
    return NULL;
}

const eki_attr *eki_node_attr(const eki_node *node, const char *name) { return find(node, name); }

int64_t eki_node_int(const eki_node *node, const char *name, int64_t fallback) {
    const eki_attr *attr = find(node, name);
    return attr != NULL && attr->type == EKI_ATTR_INT ? attr->i : fallback;
}

float eki_node_float(const eki_node *node, const char *name, float fallback) {
    const eki_attr *attr = find(node, name);
    return attr != NULL && attr->type == EKI_ATTR_FLOAT ? attr->f : fallback;
}

bool eki_node_ints(const eki_node *node, const char *name, const int64_t **values, size_t *count) {
    const eki_attr *attr = find(node, name);
    bool found = attr != NULL && attr->type == EKI_ATTR_INTS;
    *values = found ? attr->ints : NULL;
    *count = found ? attr->count : 0;
    return found;
}

bool eki_node_string_is(const eki_node *node, const char *name, const char *text, bool fallback) {
    const eki_attr *attr = find(node, name);
    if (attr == NULL || attr->type != EKI_ATTR_STRING) return fallback;
    return attr->s.size == strlen(text) && memcmp(attr->s.data, text, attr->s.size) == 0;
}

const char *eki_node_reference(const eki_node *node) {
    for (int i = 0; i < node->n_attr; i++) {
        if (node->attrs[i].ref != NULL) return node->attrs[i].name;
    }
    return NULL;
}

ek_status eki_node_attr_slot(eki_graph *graph, eki_node *node, const char *name, eki_attr **out, ek_error *err) {
    eki_attr *attr = find(node, name);
    if (attr == NULL) {
        size_t count = (size_t)node->n_attr;
        eki_attr *grown = eki_arena_alloc(&graph->arena, eki_size_of(count + 1, sizeof *attr));
        if (grown == NULL) return eki_fail_nomem(err, (count + 1) * sizeof *attr);
        if (count > 0) memcpy(grown, node->attrs, count * sizeof *attr);
        node->attrs = grown;
        attr = &grown[node->n_attr++];
    }
    *attr = (eki_attr){.name = eki_arena_strdup(&graph->arena, name), .origin = attr->origin};
    *out = attr;
    return attr->name == NULL ? eki_fail_nomem(err, strlen(name)) : EK_OK;
}

ek_status eki_node_set_int(eki_graph *graph, eki_node *node, const char *name, int64_t value, ek_error *err) {
    eki_attr *attr;
    EKI_TRY(eki_node_attr_slot(graph, node, name, &attr, err));
    attr->type = EKI_ATTR_INT;
    attr->i = value;
    return EK_OK;
}

ek_status eki_node_set_float(eki_graph *graph, eki_node *node, const char *name, float value, ek_error *err) {
    eki_attr *attr;
    EKI_TRY(eki_node_attr_slot(graph, node, name, &attr, err));
    attr->type = EKI_ATTR_FLOAT;
    attr->f = value;
    return EK_OK;
}

ek_status eki_node_set_ints(eki_graph *graph, eki_node *node, const char *name, const int64_t *values, size_t count,
                            ek_error *err) {
    eki_attr *attr;
    EKI_TRY(eki_node_attr_slot(graph, node, name, &attr, err));
    attr->type = EKI_ATTR_INTS;
    attr->count = count;
    attr->ints = eki_arena_memdup(&graph->arena, values, eki_size_of(count, sizeof *values));
    return attr->ints == NULL ? eki_fail_nomem(err, count * sizeof *values) : EK_OK;
}

ek_status eki_node_set_string(eki_graph *graph, eki_node *node, const char *name, const char *text, ek_error *err) {
    eki_attr *attr;
    EKI_TRY(eki_node_attr_slot(graph, node, name, &attr, err));
    attr->type = EKI_ATTR_STRING;
    attr->s.size = strlen(text);
    attr->s.data = eki_arena_memdup(&graph->arena, text, eki_sized(attr->s.size));
    return attr->s.data == NULL ? eki_fail_nomem(err, attr->s.size) : EK_OK;
}

void eki_node_remove_attr(eki_node *node, const char *name) {
    eki_attr *attr = find(node, name);
    if (attr == NULL) return;
    eki_attr *last = &node->attrs[node->n_attr - 1];
    memmove(attr, attr + 1, (size_t)(last - attr) * sizeof *attr);
    node->n_attr--;
}
