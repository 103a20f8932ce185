/* export_node.c: NodeProto and AttributeProto, with the graphs that nest in them. */
#include "onnx/export.h"

#include "onnx/schema.h"

#include <onnx/onnx.pb-c.h>
#include <string.h>

#define TYPE(name) ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##name

/* ---- attributes ---- */

/* The field that holds the content and the declared type, by what the attribute is. */
static uint32_t content_field(const eki_attr *attr, uint64_t *type) {
    static const struct {
        uint32_t field;
        uint64_t type;
    } rows[] = {
        [EKI_ATTR_FLOAT] = {ATTR_F, TYPE(FLOAT)},           [EKI_ATTR_INT] = {ATTR_I, TYPE(INT)},
        [EKI_ATTR_STRING] = {ATTR_S, TYPE(STRING)},         [EKI_ATTR_TENSOR] = {ATTR_T, TYPE(TENSOR)},
        [EKI_ATTR_FLOATS] = {ATTR_FLOATS, TYPE(FLOATS)},    [EKI_ATTR_INTS] = {ATTR_INTS, TYPE(INTS)},
        [EKI_ATTR_STRINGS] = {ATTR_STRINGS, TYPE(STRINGS)},
    };
    *type = rows[attr->type].type;
    return rows[attr->type].field;
}

static bool same_item(const eki_attr *attr, const eki_field *field, size_t at) {
    if (at >= attr->count) return false;
    if (attr->type == EKI_ATTR_INTS) return attr->ints[at] == (int64_t)field->value;
    if (attr->type == EKI_ATTR_FLOATS) return memcmp(&attr->floats[at], field->data, sizeof(float)) == 0;
    const eki_bytes *text = &attr->strings[at];
    return text->size == field->size && (text->size == 0 || memcmp(text->data, field->data, text->size) == 0);
}

/* Items of a packed array, one after the other, as fields of their own. */
static bool next_packed(eki_wire *inside, eki_attr_type type, eki_field *item) {
    if (inside->at >= inside->end) return false;
    if (type == EKI_ATTR_FLOATS) {
        item->data = inside->base + inside->at;
        inside->at += sizeof(float);
        return true;
    }
    return eki_wire_varint(inside->base, &inside->at, inside->end, &item->value);
}

static bool same_list(const eki_attr *attr, uint32_t number) {
    eki_wire wire = eki_wire_of(attr->origin.data, 0, attr->origin.size);
    size_t at = 0;
    bool same = true, more;
    for (eki_field f; same && eki_wire_next(&wire, &f, &more, NULL) == EK_OK && more;) {
        if (f.number != number) continue;
        bool packed = attr->type != EKI_ATTR_STRINGS && f.type == EKI_WIRE_BYTES;
        eki_wire inside = eki_wire_inside(&wire, &f);
        if (!packed) same = same_item(attr, &f, at++);
        while (packed && same && next_packed(&inside, attr->type, &f)) same = same_item(attr, &f, at++);
    }
    return same && at == attr->count;
}

static bool same_content(const eki_attr *attr, const eki_field *f) {
    switch (attr->type) {
    case EKI_ATTR_FLOAT: return memcmp(f->data, &attr->f, sizeof attr->f) == 0;
    case EKI_ATTR_INT: return (int64_t)f->value == attr->i;
    case EKI_ATTR_STRING:
        return f->size == attr->s.size && (f->size == 0 || memcmp(f->data, attr->s.data, f->size) == 0);
    default: return false;
    }
}

static void emit_content(eki_emit *emit, const eki_graph *graph, const eki_attr *attr) {
    switch (attr->type) {
    case EKI_ATTR_FLOAT: eki_emit_float(emit, ATTR_F, attr->f); break;
    case EKI_ATTR_INT: eki_emit_varint(emit, ATTR_I, (uint64_t)attr->i); break;
    case EKI_ATTR_STRING: eki_emit_bytes(emit, ATTR_S, attr->s.data, attr->s.size); break;
    case EKI_ATTR_TENSOR: eki_emit_message(emit, ATTR_T, eki_export_tensor, graph, attr->t); break;
    default: break;
    }
    for (size_t i = 0; i < attr->count; i++) {
        if (attr->type == EKI_ATTR_FLOATS) eki_emit_float(emit, ATTR_FLOATS, attr->floats[i]);
        if (attr->type == EKI_ATTR_INTS) eki_emit_varint(emit, ATTR_INTS, (uint64_t)attr->ints[i]);
        if (attr->type == EKI_ATTR_STRINGS) {
            eki_emit_bytes(emit, ATTR_STRINGS, attr->strings[i].data, attr->strings[i].size);
        }
    }
}

static bool is_list(eki_attr_type type) {
    return type == EKI_ATTR_FLOATS || type == EKI_ATTR_INTS || type == EKI_ATTR_STRINGS;
}

/* A content field of the origin: of the kind that the attribute still is, or of another. */
static void patch_content(eki_patch *p, const eki_field *f, const eki_graph *graph, const eki_attr *attr,
                          uint32_t number, bool list_holds) {
    bool tensor = f->number == number && attr->type == EKI_ATTR_TENSOR;
    bool holds = f->number == number && (is_list(attr->type) ? list_holds : same_content(attr, f));
    if (tensor && attr->t->origin.data == f->data) {
        eki_patch_message(p, f, eki_export_tensor, graph, attr->t);
    } else if (holds && !tensor) {
        eki_patch_copy(p, f);
    } else {
        eki_patch_drop(p);
        if (f->number == number && p->first) emit_content(p->emit, graph, attr);
    }
}

static bool is_content(uint32_t number) {
    return (number >= ATTR_F && number <= ATTR_GRAPHS) || number == ATTR_TP || number == ATTR_TYPE_PROTOS ||
           number == ATTR_SPARSE_TENSOR || number == ATTR_SPARSE_TENSORS;
}

/* An absent field stands for a zero or an empty list. */
static bool content_is_zero(const eki_attr *attr) {
    const float zero = 0;
    switch (attr->type) {
    case EKI_ATTR_FLOAT: return memcmp(&attr->f, &zero, sizeof zero) == 0;
    case EKI_ATTR_INT: return attr->i == 0;
    case EKI_ATTR_STRING: return attr->s.size == 0;
    case EKI_ATTR_TENSOR: return false;
    default: return attr->count == 0;
    }
}

static void attr_body(eki_emit *emit, const eki_graph *graph, const void *item) {
    const eki_attr *attr = item;
    uint64_t type;
    uint32_t number = content_field(attr, &type);
    eki_patch p = eki_patch_of(emit, attr->origin);
    bool new = attr->origin.data == NULL, list_holds = is_list(attr->type) && same_list(attr, number);
    for (eki_field f; eki_patch_next(&p, &f);) {
        if (is_content(f.number)) {
            patch_content(&p, &f, graph, attr, number, list_holds);
        } else if (f.number == ATTR_TYPE) {
            eki_patch_varint(&p, &f, type);
        } else {
            eki_patch_copy(&p, &f);
        }
    }
    if (new) eki_emit_text(emit, ATTR_NAME, attr->name);
    if (!eki_patch_seen(&p, number) && (new || !content_is_zero(attr))) emit_content(emit, graph, attr);
    if (new) eki_emit_varint(emit, ATTR_TYPE, type);
}

static void graphs_body(eki_emit *emit, const eki_graph *graph, const void *item) {
    (void)graph;
    const eki_attr *attr = item;
    eki_patch p = eki_patch_of(emit, attr->origin);
    size_t at = 0;
    for (eki_field f; eki_patch_next(&p, &f);) {
        if ((f.number == ATTR_G || f.number == ATTR_GRAPHS) && at < attr->count) {
            eki_patch_message(&p, &f, eki_export_graph, attr->graphs[at], NULL);
            at++;
        } else {
            eki_patch_copy(&p, &f);
        }
    }
    if (attr->origin.data != NULL) return;
    bool one = attr->count == 1;
    eki_emit_text(emit, ATTR_NAME, attr->name);
    for (size_t i = 0; i < attr->count; i++) {
        eki_emit_message(emit, one ? ATTR_G : ATTR_GRAPHS, eki_export_graph, attr->graphs[i], NULL);
    }
    eki_emit_varint(emit, ATTR_TYPE, one ? TYPE(GRAPH) : TYPE(GRAPHS));
}

static void opaque_body(eki_emit *emit, const eki_graph *graph, const void *item) {
    (void)graph;
    eki_patch p = eki_patch_of(emit, ((const eki_attr *)item)->origin);
    eki_patch_rest(&p);
}

static eki_emit_fn body_of(const eki_attr *attr) {
    return attr->type == EKI_ATTR_GRAPHS ? graphs_body : attr->type == EKI_ATTR_OPAQUE ? opaque_body : attr_body;
}

/* ---- nodes ---- */

static bool same_refs(const eki_node *node, uint32_t number, eki_value *const *values, int count) {
    eki_wire wire = eki_wire_of(node->origin.data, 0, node->origin.size);
    int at = 0;
    bool more;
    for (eki_field f; eki_wire_next(&wire, &f, &more, NULL) == EK_OK && more;) {
        if (f.number != number) continue;
        if (at >= count) return false;
        const char *name = values[at] != NULL ? values[at]->name : "";
        if (strlen(name) != f.size || (f.size > 0 && memcmp(name, f.data, f.size) != 0)) return false;
        at++;
    }
    return at == count;
}

static void emit_refs(eki_emit *emit, uint32_t number, eki_value *const *values, int count) {
    for (int i = 0; i < count; i++) eki_emit_text(emit, number, values[i] != NULL ? values[i]->name : "");
}

static void patch_refs(eki_patch *p, const eki_field *f, bool same, eki_value *const *values, int count) {
    if (same) {
        eki_patch_copy(p, f);
    } else {
        eki_patch_drop(p);
        if (p->first) emit_refs(p->emit, f->number, values, count);
    }
}

static void patch_attr(eki_patch *p, const eki_field *f, const eki_graph *graph, const eki_node *node) {
    for (int i = 0; i < node->n_attr; i++) {
        const eki_attr *attr = &node->attrs[i];
        if (attr->origin.data != f->data) continue;
        eki_patch_message(p, f, body_of(attr), graph, attr);
        return;
    }
    eki_patch_drop(p);
}

/* An attribute that is not among those of the node's origin. */
static bool is_new(const eki_node *node, const eki_attr *attr) {
    const unsigned char *begin = node->origin.data, *at = attr->origin.data;
    return at == NULL || begin == NULL || at < begin || at > begin + node->origin.size;
}

static void patch_domain(eki_patch *p, const eki_field *f, const eki_node *node) {
    bool onnx = f->size == strlen("ai.onnx") && memcmp(f->data, "ai.onnx", f->size) == 0;
    if (onnx && node->domain[0] == '\0') {
        eki_patch_copy(p, f);
    } else {
        eki_patch_text(p, f, node->domain);
    }
}

void eki_export_node(eki_emit *emit, const eki_graph *graph, const void *item) {
    const eki_node *node = item;
    eki_patch p = eki_patch_of(emit, node->origin);
    bool same_in = same_refs(node, NODE_INPUT, node->in, node->n_in);
    bool same_out = same_refs(node, NODE_OUTPUT, node->out, node->n_out);
    for (eki_field f; eki_patch_next(&p, &f);) {
        switch (f.number) {
        case NODE_INPUT: patch_refs(&p, &f, same_in, node->in, node->n_in); break;
        case NODE_OUTPUT: patch_refs(&p, &f, same_out, node->out, node->n_out); break;
        case NODE_NAME: eki_patch_text(&p, &f, node->name); break;
        case NODE_OP_TYPE: eki_patch_text(&p, &f, node->op_type); break;
        case NODE_DOMAIN: patch_domain(&p, &f, node); break;
        case NODE_ATTRIBUTE: patch_attr(&p, &f, graph, node); break;
        default: eki_patch_copy(&p, &f); break;
        }
    }
    if (!eki_patch_seen(&p, NODE_INPUT)) emit_refs(emit, NODE_INPUT, node->in, node->n_in);
    if (!eki_patch_seen(&p, NODE_OUTPUT)) emit_refs(emit, NODE_OUTPUT, node->out, node->n_out);
    if (!eki_patch_seen(&p, NODE_NAME) && node->name[0] != '\0') eki_emit_text(emit, NODE_NAME, node->name);
    if (!eki_patch_seen(&p, NODE_OP_TYPE)) eki_emit_text(emit, NODE_OP_TYPE, node->op_type);
    for (int i = 0; i < node->n_attr; i++) {
        const eki_attr *attr = &node->attrs[i];
        if (is_new(node, attr)) eki_emit_message(emit, NODE_ATTRIBUTE, body_of(attr), graph, attr);
    }
    if (!eki_patch_seen(&p, NODE_DOMAIN) && node->domain[0] != '\0') eki_emit_text(emit, NODE_DOMAIN, node->domain);
}

/* The new nodes that stand right before position `end` of the graph's order, then. */
static void emit_new_before(eki_emit *emit, const eki_graph *graph, size_t end, uint32_t number) {
    size_t begin = end;
    while (begin > 0 && graph->nodes[begin - 1]->origin.data == NULL) begin--;
    for (size_t i = begin; i < end; i++) {
        if (graph->nodes[i]->op_type != NULL) eki_emit_message(emit, number, eki_export_node, graph, graph->nodes[i]);
    }
}

void eki_export_file_node(eki_patch *patch, const eki_field *field, const eki_graph *graph, size_t index) {
    const eki_node *node = index < graph->n_file_nodes ? graph->file_nodes[index] : NULL;
    if (node == NULL || node->op_type == NULL) {
        eki_patch_drop(patch);
        return;
    }
    emit_new_before(patch->emit, graph, (size_t)node->id, field->number);
    eki_patch_message(patch, field, eki_export_node, graph, node);
}

void eki_export_last_nodes(eki_emit *emit, const eki_graph *graph, uint32_t number) {
    emit_new_before(emit, graph, graph->n_nodes, number);
}
