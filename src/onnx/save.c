/* save.c: a document as a file, and the data that it keeps beside that file.
 *
 * Tensors stored in other files stay so. Saved into the folder that they came from, unchanged ones keep their place and
 * changed ones go to NAME.data beside NAME.onnx; saved elsewhere, all go there. A tensor that is in NAME.data already
 * keeps its offset there, because the old model, until it is replaced, still reads it.
 */
#include "onnx/onnx.h"

#include "onnx/export.h"

#include "base/half.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ALIGNMENT = 64, CHUNK = 1 << 16 };

typedef struct plan {
    struct eki_places *places;
    bool beside; /* into the folder of the file that it came from */
    bool needed; /* any tensor goes to NAME.data */
    void (*each)(struct plan *plan, const eki_tensor *tensor);
    bool failed; /* out of memory */
} plan;

static uint64_t stored_bytes(const eki_tensor *tensor) {
    return tensor->stored != EK_DTYPE_NONE ? tensor->bytes / 2 : tensor->bytes;
}

static uint64_t aligned(uint64_t size) { return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

static bool is_resident(const plan *p, const eki_tensor *tensor) {
    return p->beside && strcmp(tensor->location, p->places->location) == 0;
}

static void look(plan *p, const eki_tensor *tensor) {
    if (tensor->location != NULL && (!p->beside || eki_tensor_changed(tensor))) p->needed = true;
}

static bool keeps_offset(const plan *p, const eki_tensor *tensor) {
    return is_resident(p, tensor) && tensor->bytes == tensor->loaded.size;
}

static void add(plan *p, const eki_tensor *tensor, uint64_t offset) {
    struct eki_places *places = p->places;
    if (!eki_grow((void **)&places->items, &places->room, places->count + 1, sizeof *places->items)) {
        p->failed = true;
        return;
    }
    places->items[places->count++] = (eki_place){.tensor = tensor, .offset = offset};
    if (offset + stored_bytes(tensor) > places->size) places->size = offset + stored_bytes(tensor);
}

static void add_resident(plan *p, const eki_tensor *tensor) {
    if (tensor->location != NULL && keeps_offset(p, tensor)) add(p, tensor, tensor->offset);
}

static void add_other(plan *p, const eki_tensor *tensor) {
    if (tensor->location == NULL || keeps_offset(p, tensor)) return;
    if (p->beside && !is_resident(p, tensor) && !eki_tensor_changed(tensor)) return;
    add(p, tensor, aligned(p->places->size));
}

static ek_status visit(void *context, eki_graph *graph, ek_error *err) {
    (void)err;
    plan *p = context;
    for (size_t i = 0; i < graph->n_values; i++) {
        if (graph->values[i]->init != NULL) p->each(p, graph->values[i]->init);
    }
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        for (int k = 0; k < node->n_attr; k++) {
            if (node->attrs[k].type == EKI_ATTR_TENSOR) p->each(p, node->attrs[k].t);
        }
    }
    return EK_OK;
}

static ek_status visit_all(plan *p, const eki_graph *graph, void (*each)(plan *, const eki_tensor *), ek_error *err) {
    p->each = each;
    /* The visit changes nothing. */
    EKI_TRY(eki_graph_each((eki_graph *)(uintptr_t)graph, visit, p, err));
    return p->failed ? eki_fail_nomem(err, p->places->count * sizeof(eki_place)) : EK_OK;
}

static int by_tensor(const void *a, const void *b) {
    uintptr_t x = (uintptr_t)((const eki_place *)a)->tensor, y = (uintptr_t)((const eki_place *)b)->tensor;
    return (x > y) - (x < y);
}

static int by_offset(const void *a, const void *b) {
    uint64_t x = ((const eki_place *)a)->offset, y = ((const eki_place *)b)->offset;
    return (x > y) - (x < y);
}

/* ---- the data file ---- */

static ek_status put_zeros(eki_writer *writer, uint64_t count, ek_error *err) {
    static const unsigned char zeros[CHUNK];
    for (uint64_t n; count > 0; count -= n) {
        n = count < CHUNK ? count : CHUNK;
        EKI_TRY(eki_writer_put(writer, zeros, (size_t)n, err));
    }
    return EK_OK;
}

static ek_status put_tensor(eki_writer *writer, const eki_graph *graph, const eki_tensor *tensor, ek_error *err) {
    eki_emit emit = {.writer = writer, .status = EK_OK, .err = err, .graph = graph};
    if (eki_tensor_sleeps(tensor)) {
        eki_emit_raw(&emit, tensor->narrow, tensor->bytes / 2);
    } else if (tensor->stored == EK_DTYPE_NONE) {
        eki_emit_raw(&emit, tensor->data, tensor->bytes);
    } else {
        eki_emit_narrowed(&emit, tensor->stored, tensor->data, tensor->bytes / sizeof(float));
    }
    return emit.status;
}

static ek_status write_data(const struct eki_places *places, const eki_graph *graph, const char *path, ek_error *err) {
    eki_writer *writer;
    EKI_TRY(eki_writer_open(path, &writer, err));
    ek_status status = EK_OK;
    for (size_t i = 0; status == EK_OK && i < places->count; i++) {
        const eki_place *place = &places->items[i];
        uint64_t at = eki_writer_size(writer);
        if (place->offset > at) status = put_zeros(writer, place->offset - at, err);
        if (status == EK_OK) status = put_tensor(writer, graph, place->tensor, err);
    }
    if (status == EK_OK) return eki_writer_commit(writer, err);
    eki_writer_discard(writer);
    return status;
}

/* ---- where ---- */

static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

static bool stat_folder(const char *path, struct stat *info) {
    char folder[4096];
    size_t length = folder_length(path);
    if (length >= sizeof folder) return false;
    memcpy(folder, length > 0 ? path : ".", length > 0 ? length : 1);
    folder[length > 0 ? length : 1] = '\0';
    return stat(folder, info) == 0;
}

static bool same_folder(const char *a, const char *b) {
    struct stat x, y;
    return stat_folder(a, &x) && stat_folder(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* "dir/net.onnx" -> "dir/net.data" */
static char *data_path(const char *path) {
    size_t length = strlen(path), folder = folder_length(path);
    const char *suffix = ".onnx";
    size_t stem = length, ends = strlen(suffix);
    if (length > folder + ends && strcmp(path + length - ends, suffix) == 0) stem = length - ends;
    char *name = eki_alloc(eki_sized(stem + sizeof ".data"));
    if (name == NULL) return NULL;
    memcpy(name, path, stem);
    memcpy(name + stem, ".data", sizeof ".data");
    return name;
}

static void sort_places(struct eki_places *places, int (*order)(const void *, const void *)) {
    if (places->count > 0) qsort(places->items, places->count, sizeof *places->items, order);
}

/* Tensors may share a range of the file, but need not be equal any more: all but the first of them move to its end. */
static void part_shared(struct eki_places *places) {
    uint64_t end = 0;
    sort_places(places, by_offset);
    for (size_t i = 0; i < places->count; i++) {
        eki_place *place = &places->items[i];
        if (place->offset >= end) {
            end = place->offset + stored_bytes(place->tensor);
            continue;
        }
        place->offset = aligned(places->size);
        places->size = place->offset + stored_bytes(place->tensor);
    }
}

static ek_status plan_places(struct eki_places *places, const eki_graph *graph, const char *path, ek_error *err) {
    plan p = {.places = places, .beside = graph->path[0] != '\0' && same_folder(graph->path, path)};
    EKI_TRY(visit_all(&p, graph, look, err));
    if (!p.needed) return EK_OK;
    EKI_TRY(visit_all(&p, graph, add_resident, err));
    part_shared(places);
    return visit_all(&p, graph, add_other, err);
}

static ek_status save_model(const eki_graph *graph, const struct eki_places *places, const char *path, ek_error *err) {
    eki_writer *writer;
    EKI_TRY(eki_writer_open(path, &writer, err));
    ek_status status = eki_onnx_put(graph, places, writer, err);
    if (status != EK_OK) {
        eki_writer_discard(writer);
        return status == EK_ERR_LIMIT ? eki_error_prefix(err, status, "%.1000s", path) : status;
    }
    return eki_writer_commit(writer, err);
}

ek_status eki_onnx_save(const eki_graph *graph, const char *path, ek_error *err) {
    char *data = data_path(path);
    if (data == NULL) return eki_fail_nomem(err, strlen(path) + sizeof ".data");
    struct eki_places places = {.location = data + folder_length(data)};
    ek_status status = plan_places(&places, graph, path, err);
    sort_places(&places, by_offset);
    if (status == EK_OK && places.count > 0) status = write_data(&places, graph, data, err);
    sort_places(&places, by_tensor);
    if (status == EK_OK) status = save_model(graph, &places, path, err);
    free(places.items);
    free(data);
    return status;
}
