/* report.c: the rows that fold, unfold and convert leave: what became of each norm or layer. */
#include "surgery/surgery.h"

#include <stdlib.h>

struct ek_edit_report {
    eki_arena arena;
    ek_edit_row *rows;
    size_t count, room;
};

ek_status eki_report_create(ek_edit_report **report, ek_error *err) {
    *report = calloc(1, sizeof **report);
    return *report == NULL ? eki_fail_nomem(err, sizeof **report) : EK_OK;
}

ek_status eki_report_add(ek_edit_report *report, const char *norm, bool changed, const char *text, ek_error *err) {
    if (!eki_grow((void **)&report->rows, &report->room, report->count + 1, sizeof *report->rows)) {
        return eki_fail_nomem(err, sizeof *report->rows);
    }
    ek_edit_row row = {.changed = changed};
    row.norm = eki_arena_strdup(&report->arena, norm);
    row.text = eki_arena_strdup(&report->arena, text);
    if (row.norm == NULL || row.text == NULL) return eki_fail_nomem(err, EKI_SITE_TEXT);
    report->rows[report->count++] = row;
    return EK_OK;
}

void ek_edit_report_destroy(ek_edit_report *report) {
    if (report == NULL) return;
    eki_arena_free(&report->arena);
    free(report->rows);
    free(report);
}

size_t ek_edit_report_count(const ek_edit_report *report) { return report->count; }

const ek_edit_row *ek_edit_report_row(const ek_edit_report *report, size_t index) {
    return index < report->count ? &report->rows[index] : NULL;
}
