/* import_node.c: NodeProto to node.
 *
 * A first pass counts and finds the names, a second one turns input and output names into values (the empty name is an
 * absent one), a third reads the attributes into an array of exactly their number.
 */
#include "onnx/import.h"

#include "onnx/schema.h"

#include <limits.h>
#include <string.h>

enum { MAX_ATTRIBUTES = 256 };

typedef struct outline {
    size_t n_in, n_out, n_attr;
    const char *name, *op_type, *domain, *overload;
} outline;

/* A field that the schema may be too old to know, so that the scan has not looked at it. */
static ek_status import_overload(eki_import *import, const eki_field *field, outline *node, ek_error *err) {
    return field->type == EKI_WIRE_BYTES ? eki_import_text(import, field, &node->overload, err) : EK_OK;
}

static ek_status collect(eki_import *import, eki_wire wire, outline *node, ek_error *err) {
    *node = (outline){.name = "", .op_type = "", .domain = "", .overload = ""};
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        switch (field.number) {
        case NODE_INPUT: node->n_in++; break;
        case NODE_OUTPUT: node->n_out++; break;
        case NODE_ATTRIBUTE: node->n_attr++; break;
        case NODE_NAME: EKI_TRY(eki_import_text(import, &field, &node->name, err)); break;
        case NODE_OP_TYPE: EKI_TRY(eki_import_text(import, &field, &node->op_type, err)); break;
        case NODE_DOMAIN: EKI_TRY(eki_import_text(import, &field, &node->domain, err)); break;
        case NODE_OVERLOAD: EKI_TRY(import_overload(import, &field, node, err)); break;
        default: break;
        }
    }
}

static ek_status check_outline(const outline *node, ek_error *err) {
    if (node->op_type[0] == '\0')
        return eki_fail(err, EK_ERR_FORMAT, "it has no op_type, so nothing says what it does");
    if (node->n_in > INT_MAX || node->n_out > INT_MAX || node->n_attr > MAX_ATTRIBUTES) {
        return eki_fail(err, EK_ERR_LIMIT,
                        "it has %zu inputs, %zu outputs and %zu attributes; at most %d attributes "
                        "are read",
                        node->n_in, node->n_out, node->n_attr, MAX_ATTRIBUTES);
    }
    return EK_OK;
}

/* Fills import->refs with the values of the inputs, then of the outputs. */
static ek_status collect_values(eki_import *import, eki_wire wire, const outline *node, ek_error *err) {
    size_t need = node->n_in + node->n_out, in = 0, out = node->n_in;
    EKI_TRY(eki_import_charge(import, 3 * need * sizeof *import->refs, err));
    if (!eki_grow((void **)&import->refs, &import->cap_refs, need + 1, sizeof *import->refs)) {
        return eki_fail_nomem(err, need * sizeof *import->refs);
    }
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        if (field.number != NODE_INPUT && field.number != NODE_OUTPUT) continue;
        eki_value **slot = &import->refs[field.number == NODE_INPUT ? in++ : out++];
        *slot = NULL;
        if (field.size > 0) EKI_TRY(eki_import_value(import, field.data, field.size, slot, err));
    }
}

static ek_status check_unique(const eki_node *node, ek_error *err) {
    const eki_attr *last = &node->attrs[node->n_attr - 1];
    for (const eki_attr *attr = node->attrs; attr < last; attr++) {
        if (strcmp(attr->name, last->name) == 0) {
            return eki_fail(err, EK_ERR_FORMAT, "attribute '%.200s' is given twice, expected once", last->name);
        }
    }
    return EK_OK;
}

static ek_status import_attrs(eki_import *import, eki_wire wire, size_t count, eki_node *node, ek_error *err) {
    if (count == 0) return EK_OK;
    void *memory;
    EKI_TRY(eki_import_alloc(import, count * sizeof *node->attrs, &memory, err));
    node->attrs = memory;
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        if (field.number != NODE_ATTRIBUTE) continue;
        EKI_TRY(eki_import_attr(import, eki_wire_inside(&wire, &field), &node->attrs[node->n_attr], err));
        node->n_attr++;
        EKI_TRY(check_unique(node, err));
    }
}

static void own_graphs(eki_node *node) {
    for (int i = 0; i < node->n_attr; i++) {
        const eki_attr *attr = &node->attrs[i];
        for (size_t k = 0; attr->type == EKI_ATTR_GRAPHS && k < attr->count; k++) attr->graphs[k]->owner = node;
    }
}

static ek_status fill(eki_import *import, eki_wire wire, const outline *seen, eki_node **out, ek_error *err) {
    eki_node *node;
    EKI_TRY(check_outline(seen, err));
    EKI_TRY(collect_values(import, wire, seen, err));
    EKI_TRY(eki_import_charge(import, sizeof *node + (seen->n_in + seen->n_out) * sizeof(void *), err));
    EKI_TRY(eki_graph_add_node(import->graph, seen->op_type, seen->domain, seen->name, import->refs, (int)seen->n_in,
                               import->refs + seen->n_in, (int)seen->n_out, &node, err));
    EKI_TRY(import_attrs(import, wire, seen->n_attr, node, err));
    own_graphs(node);
    node->overload = seen->overload;
    node->origin = eki_import_origin(&wire);
    *out = node;
    return EK_OK;
}

ek_status eki_import_node(eki_import *import, eki_wire wire, uint32_t number, size_t index, ek_error *err) {
    (void)number;
    outline seen;
    EKI_TRY(collect(import, wire, &seen, err));
    ek_status status = fill(import, wire, &seen, &import->graph->file_nodes[index], err);
    if (status == EK_OK || status == EK_ERR_NOMEM || err == NULL) return status;
    /* Messages of the graph begin with the file's name already. */
    const char *path = import->graph->path;
    if (path[0] != '\0' && strncmp(err->text, path, strlen(path)) == 0) return status;
    return eki_error_prefix(err, status, "byte %zu: node %zu '%.150s' (%.60s)", wire.at, index, seen.name,
                            seen.op_type);
}

static ek_status count_node(eki_import *import, eki_wire wire, uint32_t number, size_t index, ek_error *err) {
    (void)wire;
    (void)number;
    (void)err;
    import->graph->n_file_nodes = index + 1;
    return EK_OK;
}

ek_status eki_import_nodes(eki_import *import, eki_wire wire, uint32_t number, ek_error *err) {
    void *memory;
    EKI_TRY(eki_import_all(import, wire, number, count_node, err));
    EKI_TRY(eki_import_alloc(import, import->graph->n_file_nodes * sizeof *import->graph->file_nodes, &memory, err));
    import->graph->file_nodes = memory;
    return eki_import_all(import, wire, number, eki_import_node, err);
}
