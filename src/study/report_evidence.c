/* report_evidence.c: what one experiment found, as JSON: readings, endpoints, every seed of every arm, table, chart. */
#include "study/write.h"

#include "report/json_out.h"

static void report_readings(json_out *json, const eks_design *design, const eks_evidence *evidence) {
    json_array(json, "readings");
    for (int i = 0; i < eks_reading_count(design); i++) {
        eks_reading reading = eks_reading_of(design, i);
        json_object(json, NULL);
        json_text(json, "label", reading.label);
        json_text(json, "sentence", reading.sentence);
        json_text(json, "expected", eks_verdict_name(reading.expected));
        json_text(json, "verdict", eks_verdict_name(evidence->verdicts[i]));
        json_close(json);
    }
    json_close(json);
}

static void report_endpoint(json_out *json, const eks_endpoint *endpoint, double value, double low, double high) {
    static const char *const relations[] = {"==", "<=", ">=", "within"};
    static const char *const states[] = {"missing", "holds", "broken", "unclear"};
    eks_state state = eks_endpoint_state(endpoint, value, low, high);
    json_object(json, NULL);
    json_text(json, "what", endpoint->what);
    json_text(json, "relation", relations[endpoint->relation]);
    if (endpoint->relation == EKS_WITHIN) json_real(json, "expected", endpoint->expected);
    json_real(json, "threshold", endpoint->threshold);
    json_bool(json, "control", endpoint->control);
    json_int(json, "reading", endpoint->reading);
    json_bool(json, "percent", endpoint->percent);
    json_real(json, "measured", value);
    if (endpoint->contrast.terms) {
        json_real(json, "low", low);
        json_real(json, "high", high);
    }
    json_bool(json, "holds", state == EKS_HOLDS);
    json_text(json, "state", states[state]);
    json_close(json);
}

static void report_metric(json_out *json, const eks_evidence *evidence, int metric, const eks_arm *arm) {
    double mean, low, high;
    eks_interval(arm->value[metric], evidence->seed_count, &mean, &low, &high);
    json_object(json, NULL);
    json_text(json, "metric", evidence->metrics[metric]);
    json_bool(json, "percent", evidence->metric_percent[metric]);
    json_real(json, "mean", mean);
    json_real(json, "low", low);
    json_real(json, "high", high);
    json_array(json, "seeds");
    for (int s = 0; s < evidence->seed_count; s++) json_real(json, NULL, arm->value[metric][s]);
    json_close(json);
    json_close(json);
}

static void report_arms(json_out *json, const eks_evidence *evidence) {
    json_array(json, "arms");
    for (int a = 0; a < evidence->arm_count; a++) {
        json_object(json, NULL);
        json_text(json, "name", evidence->arms[a].name);
        json_array(json, "values");
        for (int m = 0; m < evidence->metric_count; m++) report_metric(json, evidence, m, &evidence->arms[a]);
        json_close(json);
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
    json_text(json, "kind", chart->kind == EKS_CHART_BARS ? "bars" : "xy");
    json_text(json, "title", chart->title);
    json_text(json, "description", chart->description);
    json_text(json, "x", chart->x_label);
    json_text(json, "y", chart->y_label);
    json_bool(json, "x_log", chart->x_log);
    json_bool(json, "y_percent", chart->y_percent);
    json_real(json, "y_max", chart->y_max);
    json_array(json, "series");
    for (int s = 0; s < chart->series_count; s++) {
        const eks_series *series = &chart->series[s];
        json_object(json, NULL);
        json_text(json, "name", series->name);
        json_bool(json, "dots", series->mark == EKS_DOTS);
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

void eks_report_evidence(json_out *json, const eks_study *study, const eks_design *design) {
    const eks_evidence *evidence = &study->evidence[design->number - 1];
    json_object(json, "evidence");
    json_text(json, "taught", design->taught);
    json_text(json, "prediction", design->prediction);
    json_text(json, "refuted_by", design->refuter);
    json_text(json, "method", design->method);
    json_text(json, "sabotage", design->sabotage);
    json_text(json, "sabotage_what", design->sabotage_what);
    json_bool(json, "sabotaged", eks_sabotages(design, study->options->sabotage));
    json_text(json, "verdict", eks_verdict_name(evidence->verdict));
    json_text(json, "problem", evidence->problem[0] ? evidence->problem : NULL);
    json_real(json, "seconds", evidence->seconds);
    json_text(json, "data", evidence->data);
    report_readings(json, design, evidence);
    json_array(json, "endpoints");
    for (int i = 0; i < design->endpoint_count; i++)
        report_endpoint(json, &design->endpoints[i], evidence->values[i], evidence->low[i], evidence->high[i]);
    json_close(json);
    report_arms(json, evidence);
    if (evidence->table.column_count) report_table(json, &evidence->table);
    if (evidence->chart.kind != EKS_CHART_NONE) report_chart(json, &evidence->chart);
    json_close(json);
}
