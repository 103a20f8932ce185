/* changes.c: changes are collected as they are found and put in order once. */
#include "diff/changes.h"

#include <stdlib.h>
#include <string.h>

ek_status eki_diff_create(ek_diff **diff, ek_error *err) {
    *diff = eki_calloc(1, sizeof **diff);
    return *diff == NULL ? eki_fail_nomem(err, sizeof **diff) : EK_OK;
}

/* Names and texts come from files. */
static const char *keep(ek_diff *diff, const char *text) {
    size_t length = strlen(text), room = ek_text_show(text, length, NULL, 0) + 1;
    char *shown = eki_arena_alloc(&diff->arena, eki_sized(room));
    if (shown != NULL) (void)ek_text_show(text, length, shown, room);
    return shown;
}

ek_status eki_diff_add(ek_diff *diff, const char *place, const char *kind, const char *name, double difference,
                       const char *text, ek_error *err) {
    size_t need = diff->count + 1;
    if (!eki_grow((void **)&diff->changes, &diff->room, need, sizeof *diff->changes) ||
        !eki_grow((void **)&diff->places, &diff->room_places, need, sizeof *diff->places)) {
        return eki_fail_nomem(err, need * sizeof *diff->changes);
    }
    ek_change change = {kind, keep(diff, name), keep(diff, text), difference};
    const char *where = keep(diff, place);
    if (change.name == NULL || change.text == NULL || where == NULL) return eki_fail_nomem(err, strlen(name));
    diff->places[diff->count] = where;
    diff->changes[diff->count++] = change;
    return EK_OK;
}

typedef struct row {
    ek_change change;
    const char *place;
    size_t index;
} row;

static bool is_tensor(const row *r) { return strncmp(r->change.kind, "tensor", strlen("tensor")) == 0; }

static int compare_rows(const void *a, const void *b) {
    const row *x = a, *y = b;
    if (is_tensor(x) != is_tensor(y)) return is_tensor(x) ? 1 : -1;
    if (is_tensor(x) && x->change.difference != y->change.difference) {
        return x->change.difference > y->change.difference ? -1 : 1;
    }
    return x->index < y->index ? -1 : 1;
}

ek_status eki_diff_order(ek_diff *diff, ek_error *err) {
    row *rows = eki_calloc(diff->count + 1, sizeof *rows);
    if (rows == NULL) return eki_fail_nomem(err, diff->count * sizeof *rows);
    for (size_t i = 0; i < diff->count; i++) rows[i] = (row){diff->changes[i], diff->places[i], i};
    if (diff->count > 1) qsort(rows, diff->count, sizeof *rows, compare_rows);
    for (size_t i = 0; i < diff->count; i++) {
        diff->changes[i] = rows[i].change;
        diff->places[i] = rows[i].place;
    }
    free(rows);
    return EK_OK;
}

void ek_diff_destroy(ek_diff *diff) {
    if (diff == NULL) return;
    eki_arena_free(&diff->arena);
    free(diff->changes);
    free(diff->places);
    free(diff);
}

size_t ek_diff_count(const ek_diff *diff) { return diff == NULL ? 0 : diff->count; }

const ek_change *ek_diff_change(const ek_diff *diff, size_t index) {
    return diff != NULL && index < diff->count ? &diff->changes[index] : NULL;
}

const char *ek_diff_place(const ek_diff *diff, size_t index) {
    return diff != NULL && index < diff->count ? diff->places[index] : NULL;
}
