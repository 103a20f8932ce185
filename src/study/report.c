/* report.c: everything a run found, as JSON: what the page shows, in full precision, and what it was judged by. */
#include "study/write.h"

#include "report/json_out.h"

#include <evenkeel/cpu.h>
#include <evenkeel/version.h>

#include <math.h>

static void report_endpoints(json_out *json, const eks_design *design, const eks_evidence *evidence) {
    static const char *const relations[] = {"==", "<=", ">=", "within"};
    json_array(json, "endpoints");
    for (int i = 0; i < design->endpoint_count; i++) {
        const eks_endpoint *endpoint = &design->endpoints[i];
        json_object(json, NULL);
        json_text(json, "what", endpoint->what);
        json_text(json, "relation", relations[endpoint->relation]);
        json_real(json, "threshold", endpoint->threshold);
        json_bool(json, "control", endpoint->control);
        json_real(json, "measured", evidence->values[i]);
        json_bool(json, "holds",
                  eks_endpoint_state(endpoint, evidence->values[i], evidence->low[i], evidence->high[i]) == EKS_HOLDS);
        json_close(json);
    }
    json_close(json);
}

static void report_table(json_out *json, const eks_table *table) {
    json_object(json, "table");
    json_text(json, "caption", table->caption);
    json_array(json, "columns");
    for (int i = 0; i < table->column_count; i++) json_text(json, NULL, table->columns[i]);
    json_close(json);
    json_array(json, "rows");
    for (int r = 0; r < table->row_count; r++) {
        json_array(json, NULL);
        for (int c = 0; c < table->column_count; c++) {
            const eks_cell *cell = &table->cells[r][c];
            if (cell->text[0])
                json_text(json, NULL, cell->text);
            else
                json_real(json, NULL, cell->value);
        }
        json_close(json);
    }
    json_close(json);
    json_close(json);
}

static void report_chart(json_out *json, const eks_chart *chart) {
    json_object(json, "chart");
    json_text(json, "title", chart->title);
    json_text(json, "x", chart->x_label);
    json_text(json, "y", chart->y_label);
    json_array(json, "series");
    for (int s = 0; s < chart->series_count; s++) {
        const eks_series *series = &chart->series[s];
        json_object(json, NULL);
        json_text(json, "name", series->name);
        json_array(json, "points");
        for (int i = 0; i < series->count; i++) {
            json_array(json, NULL);
            if (chart->kind == EKS_CHART_BARS)
                json_text(json, NULL, chart->labels[i]);
            else
                json_real(json, NULL, series->x[i]);
            json_real(json, NULL, series->y[i]);
            json_close(json);
        }
        json_close(json);
        json_close(json);
    }
    json_close(json);
    json_close(json);
}

static void report_evidence(json_out *json, const eks_study *study, const eks_design *design) {
    const eks_evidence *evidence = &study->evidence[design->number - 1];
    json_object(json, "evidence");
    json_text(json, "taught", design->taught);
    json_text(json, "prediction", design->prediction);
    json_text(json, "refuted_by", design->refuter);
    json_text(json, "method", design->method);
    json_text(json, "sabotage", design->sabotage);
    json_bool(json, "sabotaged", eks_sabotages(design, study->options->sabotage));
    json_text(json, "verdict", eks_verdict_name(evidence->verdict));
    json_text(json, "problem", evidence->problem[0] ? evidence->problem : NULL);
    json_real(json, "seconds", evidence->seconds);
    report_endpoints(json, design, evidence);
    if (evidence->table.column_count) report_table(json, &evidence->table);
    if (evidence->chart.kind != EKS_CHART_NONE) report_chart(json, &evidence->chart);
    json_close(json);
}

static void report_card(json_out *json, const eks_study *study, const eks_text *text) {
    json_object(json, NULL);
    json_int(json, "number", text->number);
    json_text(json, "question", text->question);
    json_text(json, "difficulty", eks_level_name(text->level));
    json_text(json, "answer", text->answer);
    json_text(json, "exact", text->exact);
    json_text(json, "formula", text->formula_text);
    json_array(json, "related");
    for (int i = 0; i < 4 && text->related[i]; i++) json_int(json, NULL, text->related[i]);
    json_close(json);
    const eks_design *design = eks_design_of(text->number);
    if (design && study->ran[text->number - 1])
        report_evidence(json, study, design);
    else
        json_null(json, "evidence");
    json_close(json);
}

int eks_report(FILE *out, const eks_study *study, int html) {
    json_out json;
    json_start(&json, out, html ? 0 : 2);
    json.html = html;
    json_object(&json, NULL);
    json_text(&json, "evenkeel", ek_version());
    json_text(&json, "level", "quick");
    json_int(&json, "seed", (int64_t)study->options->seed);
    json_text(&json, "isa", ek_cpu_isa());
    json_text(&json, "sabotage", study->options->sabotage);
    json_real(&json, "seconds", study->seconds);
    json_int(&json, "supported", eks_count(study, EKS_SUPPORTED));
    json_int(&json, "refuted", eks_count(study, EKS_REFUTED));
    json_int(&json, "inconclusive", eks_count(study, EKS_INCONCLUSIVE));
    json_array(&json, "cards");
    for (int i = 0; i < EKS_CARDS; i++) report_card(&json, study, &eks_texts[i]);
    json_close(&json);
    json_close(&json);
    return json_finish(&json);
}
