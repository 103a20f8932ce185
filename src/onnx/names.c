/* names.c: open addressing with linear probing; the table doubles at two thirds full. Values are never removed. */
#include "onnx/names.h"

#include "base/random.h"

#include <stdlib.h>
#include <string.h>

struct eki_name_table {
    size_t size, used; /* size is a power of two */
    eki_value **slots;
};

struct eki_name_table *eki_names_create(void) {
    return eki_calloc(1, sizeof(struct eki_name_table));
}

void eki_names_destroy(struct eki_name_table *table) {
    if (table == NULL) return;
    free(table->slots);
    free(table);
}

static bool is_name(const char *text, const char *name, size_t size) {
    return strncmp(text, name, size) == 0 && text[size] == '\0';
}

static size_t slot_of(const struct eki_name_table *table, const char *name, size_t size) {
    size_t mask = table->size - 1, slot = (size_t)eki_hash(name, size) & mask;
    while (table->slots[slot] != NULL && !is_name(table->slots[slot]->name, name, size)) slot = (slot + 1) & mask;
    return slot;
}

eki_value *eki_names_find(const struct eki_name_table *table, const char *name, size_t size) {
    return table->size == 0 ? NULL : table->slots[slot_of(table, name, size)];
}

static bool grow(struct eki_name_table *table) {
    struct eki_name_table larger = {.size = table->size ? table->size * 2 : 64, .used = table->used};
    larger.slots = eki_calloc(larger.size, sizeof *larger.slots);
    if (larger.slots == NULL) return false;
    for (size_t i = 0; i < table->size; i++) {
        if (table->slots[i] != NULL)
            larger.slots[slot_of(&larger, table->slots[i]->name, strlen(table->slots[i]->name))] = table->slots[i];
    }
    free(table->slots);
    *table = larger;
    return true;
}

bool eki_names_add(struct eki_name_table *table, eki_value *value) {
    if (3 * (table->used + 1) > 2 * table->size && !grow(table)) return false;
    table->slots[slot_of(table, value->name, strlen(value->name))] = value;
    table->used++;
    return true;
}
