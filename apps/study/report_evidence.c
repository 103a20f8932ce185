/* report_evidence.c: what one experiment found, as JSON: readings, endpoints, every seed of every arm, table, chart. */
#include "study/write.h"

#include "report/json_out.h"

static void report_readings(eki_json *json, const eks_design *design, const eks_evidence *evidence) {
    char seen[EKS_SEEN_TEXT];
    eki_json_array(json, "readings");
    for (int i = 0; i < eks_reading_count(design); i++) {
        eks_reading reading = eks_reading_of(design, i);
        eki_json_object(json, NULL);
        eki_json_text(json, "label", reading.label);
        eki_json_text(json, "sentence", reading.sentence);
        eki_json_text(json, "expected", eks_verdict_name(reading.expected));
        eki_json_text(json, "verdict", eks_verdict_name(evidence->verdicts[i]));
        eks_seen(design, evidence, i, seen);
        eki_json_text(json, "seen", seen);
        eki_json_close(json);
    }
    eki_json_close(json);
}

static void report_rule(eki_json *json, const eks_design *design, const eks_endpoint *endpoint) {
    static const char *const relations[] = {"==", "<=", ">=", "within"};
    eki_json_text(json, "what", endpoint->what);
    eki_json_text(json, "relation", relations[endpoint->relation]);
    if (endpoint->relation == EKS_WITHIN) eki_json_real(json, "expected", endpoint->expected);
    eki_json_real(json, "threshold", endpoint->threshold);
    eki_json_text(json, "basis", eks_basis(design, endpoint));
    eki_json_bool(json, "control", endpoint->control);
    eki_json_int(json, "reading", endpoint->reading);
    eki_json_bool(json, "percent", endpoint->percent);
}

static void report_endpoint(eki_json *json, const eks_design *design, const eks_evidence *evidence, int i) {
    static const char *const states[] = {"missing", "holds", "broken", "unclear"};
    const eks_endpoint *endpoint = &design->endpoints[i];
    eks_state state = eks_endpoint_state(endpoint, evidence->values[i], evidence->low[i], evidence->high[i]);
    eki_json_object(json, NULL);
    report_rule(json, design, endpoint);
    eki_json_array(json, "seeds");
    for (int s = 0; s < eks_seed_count(endpoint, evidence); s++)
        eki_json_real(json, NULL, eks_seed_value(endpoint, evidence, i, s));
    eki_json_close(json);
    eki_json_real(json, "measured", evidence->values[i]);
    if (endpoint->contrast.terms) {
        eki_json_real(json, "low", evidence->low[i]);
        eki_json_real(json, "high", evidence->high[i]);
    }
    eki_json_text(json, "state", states[state]);
    eki_json_close(json);
}

static void report_metric(eki_json *json, const eks_evidence *evidence, int metric, const eks_arm *arm) {
    double mean, low, high;
    eks_interval(arm->value[metric], evidence->seed_count, &mean, &low, &high);
    eki_json_object(json, NULL);
    eki_json_text(json, "metric", evidence->metrics[metric]);
    eki_json_bool(json, "percent", evidence->metric_percent[metric]);
    eki_json_real(json, "mean", mean);
    eki_json_real(json, "low", low);
    eki_json_real(json, "high", high);
    eki_json_array(json, "seeds");
    for (int s = 0; s < evidence->seed_count; s++) eki_json_real(json, NULL, arm->value[metric][s]);
    eki_json_close(json);
    eki_json_close(json);
}

static void report_arms(eki_json *json, const eks_evidence *evidence) {
    eki_json_text(json, "arms_caption", evidence->caption);
    eki_json_array(json, "arms");
    for (int a = 0; a < evidence->arm_count; a++) {
        eki_json_object(json, NULL);
        eki_json_text(json, "name", evidence->arms[a].name);
        eki_json_array(json, "values");
        for (int m = 0; m < evidence->metric_count; m++) report_metric(json, evidence, m, &evidence->arms[a]);
        eki_json_close(json);
        eki_json_close(json);
    }
    eki_json_close(json);
}

static void report_table(eki_json *json, const eks_table *table) {
    eki_json_object(json, "table");
    eki_json_text(json, "caption", table->caption);
    eki_json_array(json, "columns");
    for (int i = 0; i < table->column_count; i++) eki_json_text(json, NULL, table->columns[i]);
    eki_json_close(json);
    eki_json_array(json, "percent");
    for (int i = 0; i < table->column_count; i++) eki_json_bool(json, NULL, table->percent[i]);
    eki_json_close(json);
    eki_json_array(json, "rows");
    for (int r = 0; r < table->row_count; r++) {
        eki_json_array(json, NULL);
        for (int c = 0; c < table->column_count; c++) {
            const eks_cell *cell = &table->cells[r][c];
            if (cell->text[0])
                eki_json_text(json, NULL, cell->text);
            else
                eki_json_real(json, NULL, cell->value);
        }
        eki_json_close(json);
    }
    eki_json_close(json);
    eki_json_close(json);
}

static void report_chart(eki_json *json, const eks_chart *chart) {
    eki_json_object(json, "chart");
    eki_json_text(json, "kind", chart->kind == EKS_CHART_BARS ? "bars" : "xy");
    eki_json_text(json, "title", chart->title);
    eki_json_text(json, "description", chart->description);
    eki_json_text(json, "x", chart->x_label);
    eki_json_text(json, "y", chart->y_label);
    eki_json_bool(json, "x_log", chart->x_log);
    eki_json_bool(json, "y_log", chart->y_log);
    eki_json_bool(json, "y_percent", chart->y_percent);
    eki_json_real(json, "y_max", chart->y_max);
    eki_json_array(json, "series");
    for (int s = 0; s < chart->series_count; s++) {
        const eks_series *series = &chart->series[s];
        eki_json_object(json, NULL);
        eki_json_text(json, "name", series->name);
        eki_json_bool(json, "dots", series->mark == EKS_DOTS);
        eki_json_array(json, "points");
        for (int i = 0; i < series->count; i++) {
            eki_json_array(json, NULL);
            if (chart->kind == EKS_CHART_BARS)
                eki_json_text(json, NULL, chart->labels[i]);
            else
                eki_json_real(json, NULL, series->x[i]);
            eki_json_real(json, NULL, series->y[i]);
            eki_json_close(json);
        }
        eki_json_close(json);
        eki_json_close(json);
    }
    eki_json_close(json);
    eki_json_close(json);
}

void eks_report_evidence(eki_json *json, const eks_study *study, const eks_design *design) {
    const eks_evidence *evidence = &study->evidence[design->number - 1];
    eki_json_object(json, "evidence");
    eki_json_text(json, "taught", design->taught);
    eki_json_text(json, "prediction", design->prediction);
    eki_json_text(json, "refuted_by", design->refuter);
    eki_json_text(json, "method", design->method);
    eki_json_text(json, "sabotage", design->sabotage);
    eki_json_text(json, "sabotage_what", design->sabotage_what);
    eki_json_bool(json, "sabotaged", eks_sabotages(design, study->options->sabotage));
    eki_json_text(json, "problem", evidence->problem[0] ? evidence->problem : NULL);
    eki_json_real(json, "seconds", evidence->seconds);
    eki_json_text(json, "data", evidence->data);
    report_readings(json, design, evidence);
    eki_json_array(json, "endpoints");
    for (int i = 0; i < design->endpoint_count; i++) report_endpoint(json, design, evidence, i);
    eki_json_close(json);
    report_arms(json, evidence);
    if (evidence->table.column_count) report_table(json, &evidence->table);
    if (evidence->chart.kind != EKS_CHART_NONE) report_chart(json, &evidence->chart);
    eki_json_close(json);
}
