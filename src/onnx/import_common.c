/* import_common.c: budget, text, values, symbols and kept fields, used by every part of the import. */
#include "onnx/import.h"

#include "base/random.h"
#include "onnx/schema.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* What the load uses now: the arena, the arrays that grow beside it (twice, for the moment of growing) and the table
 * of names (at most 3 slots per value). */
static size_t used_bytes(const eki_import *import) {
    const eki_graph *graph = import->graph;
    size_t pointers = graph->cap_nodes + graph->cap_values + graph->cap_symbols + graph->cap_inputs +
                      graph->cap_outputs + 2 * graph->cap_meta + import->cap_refs + import->cap_symbols;
    return graph->arena.used - import->free_used + 2 * sizeof(void *) * pointers +
           3 * sizeof(void *) * graph->n_values + import->cap_name;
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
    *out = eki_arena_alloc(&import->graph->arena, bytes);
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
    size_t old_size = import->cap_symbols, size = old_size ? 2 * old_size : 64;
    EKI_TRY(eki_import_charge(import, size * sizeof *old, err));
    eki_symbol_slot *slots = calloc(size, sizeof *slots);
    if (slots == NULL) return eki_fail_nomem(err, size * sizeof *slots);
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

/* Passes over the kept fields; with `copy`, copies them there. */
static ek_status walk_kept(eki_import *import, eki_wire wire, uint64_t modelled, eki_import_filter filter,
                           unsigned char *copy, size_t *size, size_t *first, bool *together, ek_error *err) {
    size_t next = 0;
    *size = 0;
    *together = true;
    for (;;) {
        eki_field field;
        bool more;
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) return EK_OK;
        bool keep = field.number >= 64 || (modelled & EKI_FIELD_BIT(field.number)) == 0;
        if (filter != NULL) keep = filter(import, &wire, &field, keep);
        if (!keep) continue;
        if (copy != NULL) memcpy(copy + *size, wire.base + field.start, field.end - field.start);
        if (*size == 0) *first = field.start;
        if (*size > 0 && field.start != next) *together = false;
        next = field.end;
        *size += field.end - field.start;
    }
}

ek_status eki_import_keep(eki_import *import, eki_wire wire, uint64_t modelled, eki_import_filter filter,
                          eki_bytes *keep, ek_error *err) {
    size_t size, first = wire.at;
    bool together;
    EKI_TRY(walk_kept(import, wire, modelled, filter, NULL, &size, &first, &together, err));
    *keep = (eki_bytes){.data = size > 0 ? wire.base + first : NULL, .size = size};
    if (together) return EK_OK;
    void *copy;
    EKI_TRY(eki_import_alloc(import, size, &copy, err));
    keep->data = copy;
    return walk_kept(import, wire, modelled, filter, copy, &size, &first, &together, err);
}
