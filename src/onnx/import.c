/* import.c: the load of a model: map, scan, fill, sort, check.
 *
 * The order is the security: nothing is built before the scan has passed over every byte, and everything that is built
 * is charged to one byte budget before it is allocated. The graph keeps the mapped file, and tensors, strings and the
 * fields we do not model point into it, so that a load costs memory for structure only.
 */
#include "onnx/import.h"

#include "onnx/onnx.h"
#include "onnx/scan.h"
#include "onnx/schema.h"
#include "onnx/text.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are read as the little-endian bytes of the file");

enum { MAX_METADATA = 4096 };

static ek_status import_metadata(eki_import *import, eki_wire wire, ek_error *err) {
    size_t start = wire.at;
    eki_bytes origin = eki_import_origin(&wire);
    const char *key = "", *value = "";
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) break;
        if (field.number == ENTRY_KEY) EKI_TRY(eki_import_text(import, &field, &key, err));
        if (field.number == ENTRY_VALUE) EKI_TRY(eki_import_text(import, &field, &value, err));
    }
    if (import->graph->n_meta >= MAX_METADATA) {
        return eki_fail(err, EK_ERR_LIMIT, "byte %zu: more than %d metadata_props", start, MAX_METADATA);
    }
    EKI_TRY(eki_import_charge(import, strlen(value) + 1, err));
    EKI_TRY(eki_graph_set_meta(import->graph, key, value, err));
    for (size_t i = 0; i < import->graph->n_meta; i++) {
        if (strcmp(import->graph->meta[i].key, key) == 0) import->graph->meta[i].origin = origin;
    }
    return EK_OK;
}

/* All of ModelProto but the graph, whose range is returned. */
static ek_status import_model(eki_import *import, eki_wire wire, eki_wire *graph, bool *has_graph, ek_error *err) {
    import->graph->model_origin = eki_import_origin(&wire);
    import->graph->ir_version = 0;
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        switch (field.number) {
        case MODEL_IR_VERSION: import->graph->ir_version = (int64_t)field.value; break;
        case MODEL_OPSET_IMPORT: EKI_TRY(eki_import_opset(import, eki_wire_inside(&wire, &field), err)); break;
        case MODEL_METADATA_PROPS: EKI_TRY(import_metadata(import, eki_wire_inside(&wire, &field), err)); break;
        case MODEL_GRAPH:
            *graph = eki_wire_inside(&wire, &field);
            *has_graph = true;
            break;
        default: break;
        }
    }
}

/* Up to IR version 2 files have no imports, and mean the first opset. */
static ek_status imply_opset(eki_import *import, ek_error *err) {
    if (import->graph->ir_version < 1 || import->graph->ir_version > 2) return EK_OK;
    EKI_TRY(eki_graph_add_opset(import->graph, "", 1, err));
    import->graph->opsets[0].implied = true;
    return EK_OK;
}

static ek_status sort_one(void *context, eki_graph *graph, ek_error *err) {
    (void)context;
    return eki_graph_sort(graph, err);
}

static ek_status examine(const unsigned char *data, size_t size, ek_error *err) {
    if (size == 0) return eki_fail(err, EK_ERR_FORMAT, "the file is empty, expected an ONNX model");
    if (size > INT32_MAX) {
        return eki_fail(err, EK_ERR_LIMIT, "the file has %zu bytes; an ONNX model has at most 2 GiB", size);
    }
    return eki_onnx_scan(data, size, err);
}

static ek_status fill(eki_import *import, const unsigned char *data, size_t size, ek_error *err) {
    EKI_TRY(examine(data, size, err));
    eki_wire graph = {0};
    bool has_graph = false;
    EKI_TRY(import_model(import, eki_wire_of(data, 0, size), &graph, &has_graph, err));
    if (!has_graph) {
        return eki_fail(err, EK_ERR_FORMAT,
                        "the file has no graph, so it is not an ONNX model (a tensor file, perhaps?)");
    }
    if (import->graph->n_opsets == 0) EKI_TRY(imply_opset(import, err));
    if (import->graph->n_opsets == 0) {
        return eki_fail(err, EK_ERR_FORMAT,
                        "the model has no opset_import (ir_version %lld), so its operators have no defined meaning; "
                        "convert it with a newer exporter",
                        (long long)import->graph->ir_version);
    }
    EKI_TRY(eki_import_graph(import, graph, err));
    EKI_TRY(eki_import_functions(import, eki_wire_of(data, 0, size), err));
    EKI_TRY(eki_graph_resolve(import->graph, err));
    size_t edges = size / 2 < 64 * import->graph->n_nodes ? size / 2 : 64 * import->graph->n_nodes;
    EKI_TRY(eki_import_charge(import, 24 * import->graph->n_nodes + 8 * edges, err));
    EKI_TRY(eki_graph_each(import->graph, sort_one, NULL, err));
    return eki_graph_check(import->graph, err);
}

/* Makes a message whole: the file's name in front, a plain word for files that are something else. */
static ek_status finish_error(const char *name, const unsigned char *data, size_t size, ek_status status,
                              ek_error *err) {
    if (err == NULL) return status;
    const char *other = size > 0 && status == EK_ERR_FORMAT ? eki_text_other_kind(data, size) : NULL;
    if (other == NULL && size > 0 && status == EK_ERR_FORMAT && eki_onnx_is_tensor(data, size)) {
        other = "a tensor (TensorProto), not a model; give an .onnx file";
    }
    if (other != NULL) {
        status = eki_fail(err, EK_ERR_FORMAT, "%s: is %s", name, other);
    } else if (strncmp(err->text, name, strlen(name)) != 0) {
        status = eki_error_prefix(err, status, "%.1000s", name);
    }
    return status;
}

static ek_status import_bytes(eki_graph *graph, const unsigned char *data, size_t size, const char *folder,
                              const eki_onnx_load_options *options, ek_error *err) {
    eki_import import = {.graph = graph, .folder = folder, .free_used = graph->arena.used};
    if (options != NULL) import.budget = options->budget;
    if (import.budget == 0 &&
        (!eki_mul_size(size, 4, &import.budget) || !eki_add_size(import.budget, (size_t)64 << 20, &import.budget))) {
        import.budget = SIZE_MAX;
    }
    ek_status status = fill(&import, data, size, err);
    eki_import_free(&import);
    return status;
}

static ek_status create(const char *name, eki_graph **graph, ek_error *err) {
    EKI_TRY(eki_graph_create(0, graph, err));
    (*graph)->path = eki_arena_strdup(&(*graph)->arena, name);
    return (*graph)->path == NULL ? eki_fail_nomem(err, strlen(name)) : EK_OK;
}

/* The folder that the path is in, with its slash. */
static ek_status folder_of(eki_graph *graph, const char **folder, ek_error *err) {
    const char *slash = strrchr(graph->path, '/');
    size_t size = slash == NULL ? 0 : (size_t)(slash - graph->path) + 1;
    char *text = eki_arena_alloc(&graph->arena, eki_sized(size + 3));
    if (text == NULL) return eki_fail_nomem(err, size + 3);
    memcpy(text, slash == NULL ? "./" : graph->path, slash == NULL ? 2 : size);
    *folder = text;
    return EK_OK;
}

ek_status eki_onnx_load(const char *path, const eki_onnx_load_options *options, eki_graph **out, ek_error *err) {
    eki_graph *graph = NULL;
    const char *folder = NULL;
    *out = NULL;
    ek_status status = create(path, &graph, err);
    if (status == EK_OK) status = folder_of(graph, &folder, err);
    if (status == EK_OK) status = eki_map_open(path, &graph->map, err);
    if (status == EK_OK) status = import_bytes(graph, graph->map.data, graph->map.size, folder, options, err);
    if (status != EK_OK) {
        bool mapped = graph != NULL && graph->map.size > 0;
        status = finish_error(path, mapped ? graph->map.data : NULL, mapped ? graph->map.size : 0, status, err);
        eki_graph_destroy(graph);
        return status;
    }
    *out = graph;
    return EK_OK;
}

ek_status eki_onnx_map(const char *path, eki_map *map, ek_error *err) {
    ek_status status = eki_map_open_sparing(path, map, err);
    if (status == EK_OK) status = examine(map->data, map->size, err);
    if (status == EK_OK) return EK_OK;
    status = finish_error(path, map->data, map->size, status, err);
    eki_map_close(map);
    return status;
}

ek_status eki_onnx_load_bytes(const void *data, size_t size, const char *name, const eki_onnx_load_options *options,
                              eki_graph **out, ek_error *err) {
    eki_graph *graph = NULL;
    *out = NULL;
    ek_status status = create(name, &graph, err);
    unsigned char *copy = NULL;
    if (status == EK_OK) {
        copy = eki_arena_memdup(&graph->arena, data, eki_sized(size));
        status = copy == NULL ? eki_fail_nomem(err, size) : import_bytes(graph, copy, size, NULL, options, err);
    }
    if (status != EK_OK) {
        status = finish_error(name, data, size, status, err);
        eki_graph_destroy(graph);
        return status;
    }
    *out = graph;
    return EK_OK;
}
