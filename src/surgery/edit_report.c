/* edit_report.c: the rows that fold, unfold and convert leave: what became of each norm or layer. */
#include "surgery/surgery.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ek_edit_report {
    eki_arena arena;
    ek_edit_row *rows;
    size_t count, room;
};

ek_status eki_report_create(ek_edit_report **report, ek_error *err) {
    *report = eki_calloc(1, sizeof **report);
    return *report == NULL ? eki_fail_nomem(err, sizeof **report) : EK_OK;
}

ek_status eki_report_add(ek_edit_report *report, const char *norm, bool changed, const char *text, ek_error *err) {
    if (!eki_grow((void **)&report->rows, &report->room, report->count + 1, sizeof *report->rows)) {
        return eki_fail_nomem(err, sizeof *report->rows);
    }
    ek_edit_row row = {.changed = changed};
    row.norm = eki_arena_strdup(&report->arena, norm);
    row.text = eki_arena_strdup(&report->arena, text);
    if (row.norm == NULL || row.text == NULL) return eki_fail_nomem(err, EKI_CHAIN_TEXT);
    report->rows[report->count++] = row;
    return EK_OK;
}

void eki_report_already(ek_edit_report *report) { report->rows[report->count - 1].already = 1; }

ek_status eki_report_append(ek_edit_report *report, const char *norm, ek_error *err, const char *format, ...) {
    char text[2 * EKI_CHAIN_TEXT];
    size_t at = report->count;
    while (at > 0 && strcmp(report->rows[at - 1].norm, norm) != 0) at--;
    if (at == 0) return EK_OK;
    ek_edit_row *row = &report->rows[at - 1];
    int used = snprintf(text, sizeof text, "%.300s", row->text);
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text + used, sizeof text - (size_t)used, format, list);
    va_end(list);
    row->text = eki_arena_strdup(&report->arena, text);
    return row->text == NULL ? eki_fail_nomem(err, sizeof text) : EK_OK;
}

bool eki_glob_matches(const char *glob, const char *node, const char *output, const char *parameter) {
    char stem[512];
    (void)snprintf(stem, sizeof stem, "%s", parameter);
    char *dot = strrchr(stem, '.');
    if (dot != NULL) *dot = '\0';
    return (node[0] != '\0' && fnmatch(glob, node, 0) == 0) || fnmatch(glob, output, 0) == 0 ||
           (stem[0] != '\0' && fnmatch(glob, stem, 0) == 0);
}

void ek_edit_report_destroy(ek_edit_report *report) {
    if (report == NULL) return;
    eki_arena_free(&report->arena);
    free(report->rows);
    free(report);
}

size_t ek_edit_report_count(const ek_edit_report *report) { return report == NULL ? 0 : report->count; }

const ek_edit_row *ek_edit_report_row(const ek_edit_report *report, size_t index) {
    if (report == NULL) return NULL;
    return index < report->count ? &report->rows[index] : NULL;
}
