/* report.c: everything a run found, as JSON: what the page shows, in full precision, and what it was judged by. */
#include "study/write.h"

#include "report/json_out.h"

#include <evenkeel/cpu.h>
#include <evenkeel/version.h>

static void report_notes(json_out *json, const eks_text *text) {
    json_bool(json, "contested", text->contested);
    json_array(json, "notes");
    for (size_t i = 0; i < sizeof text->notes / sizeof text->notes[0] && text->notes[i].says; i++) {
        json_object(json, NULL);
        json_text(json, "says", text->notes[i].says);
        json_text(json, "source", text->notes[i].source.label);
        json_close(json);
    }
    json_close(json);
}

static void report_sources(json_out *json, const eks_text *text) {
    json_array(json, "sources");
    for (int i = 0; i < 4 && text->sources[i].label; i++) {
        json_object(json, NULL);
        json_text(json, "label", text->sources[i].label);
        json_text(json, "url", text->sources[i].url);
        json_close(json);
    }
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
    report_notes(json, text);
    report_sources(json, text);
    const eks_design *design = eks_design_of(text->number);
    if (design && study->ran[text->number - 1])
        eks_report_evidence(json, study, design);
    else
        json_null(json, "evidence");
    json_close(json);
}

static int measured(const eks_study *study) {
    int count = 0;
    for (int i = 0; i < EKS_CARDS; i++) count += study->ran[i];
    return count;
}

int eks_report(FILE *out, const eks_study *study, int html) {
    json_out json;
    json_start(&json, out, html ? 0 : 2);
    json.html = html;
    json_object(&json, NULL);
    json_text(&json, "evenkeel", ek_version());
    json_text(&json, "level", eks_level_text(study));
    json_int(&json, "seed", (int64_t)study->options->seed);
    json_text(&json, "data", study->options->data);
    json_text(&json, "more_data", study->options->more_data);
    json_text(&json, "isa", ek_cpu_isa());
    json_text(&json, "sabotage", study->options->sabotage);
    json_real(&json, "seconds", study->seconds);
    json_real(&json, "confidence", 0.95);
    json_int(&json, "measured", measured(study));
    json_int(&json, "supported", eks_count(study, EKS_SUPPORTED));
    json_int(&json, "refuted", eks_count(study, EKS_REFUTED));
    json_int(&json, "inconclusive", eks_count(study, EKS_INCONCLUSIVE));
    json_array(&json, "cards");
    for (int i = 0; i < EKS_CARDS; i++) report_card(&json, study, &eks_texts[i]);
    json_close(&json);
    json_array(&json, "extras");
    for (int i = 0; i < EKS_EXTRAS; i++) report_card(&json, study, &eks_extra_texts[i]);
    json_close(&json);
    eks_report_page(&json);
    json_close(&json);
    return json_finish(&json);
}
