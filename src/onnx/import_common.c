/* import_common.c: budget, text, values, symbols, used by every part of the import. */
#include "onnx/import.h"

#include "base/random.h"
#include "onnx/schema.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OPSETS = 256 };

/* What the load uses now: the arena, the arrays that grow beside it (twice, for the moment of growing) and the table
 * of names (at most 3 slots per value). */
size_t eki_import_used(const eki_import *import) {
    const eki_graph *graph = import->graph;
    size_t pointers = graph->cap_nodes + graph->cap_values + graph->cap_symbols + graph->cap_inputs +
                      graph->cap_outputs + 2 * graph->cap_meta + import->cap_refs + import->cap_symbols;
    return graph->arena.used - import->free_used + 2 * sizeof(void *) * pointers +
           3 * sizeof(void *) * graph->n_values + import->cap_name + import->nested_used;
}

static size_t used_bytes(const eki_import *import) {
    size_t used = 0;
    for (; import != NULL; import = import->outer) used += eki_import_used(import);
    return used;
}

void eki_import_free(eki_import *import) {
    free(import->name);
    free(import->refs);
    free(import->symbols);
}

ek_status eki_import_charge(eki_import *import, size_t bytes, ek_error *err) {
    size_t used = used_bytes(import);
    if (used <= import->budget && bytes <= import->budget - used) return EK_OK;
    return eki_fail(err, EK_ERR_LIMIT,
                    "loading needs more than %zu bytes of memory, the budget for this file; if you trust the file, "
                    "raise the budget",
                    import->budget);
}

ek_status eki_import_alloc(eki_import *import, size_t bytes, void **out, ek_error *err) {
    *out = NULL;
    EKI_TRY(eki_import_charge(import, bytes, err));
    *out = eki_arena_alloc(&import->graph->arena, eki_sized(bytes));
    return *out == NULL ? eki_fail_nomem(err, bytes) : EK_OK;
}

ek_status eki_import_text(eki_import *import, const eki_field *field, const char **text, ek_error *err) {
    void *copy;
    EKI_TRY(eki_import_alloc(import, field->size + 1, &copy, err));
    if (field->size > 0) memcpy(copy, field->data, field->size);
    *text = copy;
    return EK_OK;
}

/* The bytes with a NUL behind them, until the next call. */
static ek_status scratch_name(eki_import *import, const void *name, size_t size, ek_error *err) {
    EKI_TRY(eki_import_charge(import, 3 * (size + 1), err));
    if (!eki_grow((void **)&import->name, &import->cap_name, size + 1, 1)) return eki_fail_nomem(err, size);
    if (size > 0) memcpy(import->name, name, size);
    import->name[size] = '\0';
    return EK_OK;
}

ek_status eki_import_value(eki_import *import, const void *name, size_t size, eki_value **value, ek_error *err) {
    EKI_TRY(scratch_name(import, name, size, err));
    EKI_TRY(eki_import_charge(import, sizeof(eki_value) + size, err));
    if (import->graph->n_values >= INT_MAX) return eki_fail(err, EK_ERR_LIMIT, "more than 2^31 values");
    return eki_graph_value(import->graph, import->name, value, err);
}

ek_status eki_import_find(eki_import *import, const void *name, size_t size, eki_value **value, ek_error *err) {
    *value = NULL;
    EKI_TRY(scratch_name(import, name, size, err));
    *value = eki_graph_find(import->graph, import->name);
    return EK_OK;
}

static const char *symbol_name(const eki_import *import, int64_t dim) { return import->graph->symbols[-1 - dim]; }

/* The slot of the name, or the free one where it belongs. */
static size_t symbol_slot(const eki_import *import, const char *name) {
    size_t mask = import->cap_symbols - 1, slot = (size_t)eki_hash_text(name) & mask;
    while (import->symbols[slot].dim != 0 && strcmp(symbol_name(import, import->symbols[slot].dim), name) != 0) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static ek_status grow_symbols(eki_import *import, ek_error *err) {
    eki_symbol_slot *old = import->symbols;
    size_t old_size = import->cap_symbols, grown = old_size ? old_size : 32;
    eki_size room = eki_size_of(grown, 2 * sizeof *old);
    size_t size = room.bytes / sizeof *old;
    EKI_TRY(eki_import_charge(import, room.bytes, err));
    eki_symbol_slot *slots = eki_calloc(1, room.bytes);
    if (slots == NULL) return eki_fail_nomem(err, room.bytes);
    import->symbols = slots;
    import->cap_symbols = size;
    for (size_t i = 0; i < old_size; i++) {
        if (old[i].dim != 0) slots[symbol_slot(import, symbol_name(import, old[i].dim))] = old[i];
    }
    free(old);
    return EK_OK;
}

/* A symbol that is known to be new: eki_graph_symbol would search all others first, which is quadratic in all. */
static ek_status add_symbol(eki_import *import, const char *name, int64_t *dim, ek_error *err) {
    EKI_TRY(eki_graph_symbol(import->graph, "", dim, err));
    if (name[0] == '\0') return EK_OK;
    void *copy;
    EKI_TRY(eki_import_alloc(import, strlen(name) + 1, &copy, err));
    strcpy(copy, name);
    import->graph->symbols[-1 - *dim] = copy;
    return EK_OK;
}

ek_status eki_import_symbol(eki_import *import, const void *name, size_t size, int64_t *dim, ek_error *err) {
    EKI_TRY(scratch_name(import, name, size, err));
    if (size == 0) return add_symbol(import, "", dim, err);
    if (2 * (import->n_symbols + 1) > import->cap_symbols) EKI_TRY(grow_symbols(import, err));
    size_t slot = symbol_slot(import, import->name);
    *dim = import->symbols[slot].dim;
    if (*dim != 0) return EK_OK;
    EKI_TRY(add_symbol(import, import->name, dim, err));
    import->symbols[slot].dim = *dim;
    import->n_symbols++;
    return EK_OK;
}

eki_bytes eki_import_origin(const eki_wire *wire) {
    return (eki_bytes){.data = wire->base + wire->at, .size = wire->end - wire->at};
}

ek_status eki_import_all(eki_import *import, eki_wire wire, uint32_t number, eki_import_item each, ek_error *err) {
    size_t index = 0;
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        if (field.number == number) EKI_TRY(each(import, eki_wire_inside(&wire, &field), number, index++, err));
    }
}

ek_status eki_import_opset(eki_import *import, eki_wire wire, ek_error *err) {
    size_t start = wire.at;
    eki_bytes origin = eki_import_origin(&wire);
    const char *domain = "";
    int64_t version = 0;
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) break;
        if (field.number == OPSET_DOMAIN) EKI_TRY(eki_import_text(import, &field, &domain, err));
        if (field.number == OPSET_VERSION) version = (int64_t)field.value;
    }
    if (version <= 0) {
        return eki_fail(err, EK_ERR_FORMAT,
                        "byte %zu: opset_import of domain '%.80s' has version %lld, expected 1 or more", start, domain,
                        (long long)version);
    }
    int64_t other = eki_graph_opset(import->graph, domain);
    if (other == version) return EK_OK; /* some exporters say it twice */
    if (other != 0) {
        return eki_fail(err, EK_ERR_FORMAT,
                        "byte %zu: opset_import has domain '%.80s' twice, with version %lld and %lld; remove the one "
                        "that is wrong",
                        start, domain, (long long)other, (long long)version);
    }
    if (import->graph->n_opsets >= MAX_OPSETS) {
        return eki_fail(err, EK_ERR_LIMIT, "byte %zu: more than %d opset imports", start, MAX_OPSETS);
    }
    EKI_TRY(eki_graph_add_opset(import->graph, domain, version, err));
    import->graph->opsets[import->graph->n_opsets - 1].origin = origin;
    return EK_OK;
}
