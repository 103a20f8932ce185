/* report.c: everything a run found, as JSON: what the page shows, in full precision, and what it was judged by. */
#include "study/write.h"

#include "report/json_out.h"

#include <evenkeel/version.h>

static void report_notes(eki_json *json, const eks_text *text) {
    eki_json_bool(json, "contested", text->contested);
    eki_json_array(json, "notes");
    for (size_t i = 0; i < sizeof text->notes / sizeof text->notes[0] && text->notes[i].says; i++) {
        eki_json_object(json, NULL);
        eki_json_text(json, "says", text->notes[i].says);
        eki_json_text(json, "source", text->notes[i].source.label);
        eki_json_close(json);
    }
    eki_json_close(json);
}

static void report_sources(eki_json *json, const eks_text *text) {
    eki_json_array(json, "sources");
    for (int i = 0; i < 4 && text->sources[i].label; i++) {
        eki_json_object(json, NULL);
        eki_json_text(json, "label", text->sources[i].label);
        eki_json_text(json, "url", text->sources[i].url);
        eki_json_close(json);
    }
    eki_json_close(json);
}

static void report_snippet(eki_json *json, int number) {
    char text[EKS_SNIPPET_TEXT];
    eki_json_text(json, "pytorch", eks_snippet(number, text) ? text : NULL);
}

void eks_report_card(eki_json *json, const eks_study *study, const eks_text *text) {
    eki_json_object(json, NULL);
    eki_json_int(json, "number", text->number);
    eki_json_text(json, "question", text->question);
    eki_json_text(json, "difficulty", eks_level_name(text->level));
    eki_json_text(json, "answer", text->answer);
    eki_json_text(json, "exact", text->exact);
    eki_json_text(json, "formula", text->formula_text);
    report_snippet(json, text->number);
    eki_json_array(json, "related");
    for (int i = 0; i < 4 && text->related[i]; i++) eki_json_int(json, NULL, text->related[i]);
    eki_json_close(json);
    report_notes(json, text);
    report_sources(json, text);
    const eks_design *design = eks_design_of(text->number);
    if (design && study->ran[text->number - 1])
        eks_report_evidence(json, study, design);
    else
        eki_json_null(json, "evidence");
    eki_json_close(json);
}

int eks_comparisons_of(const eks_study *study) {
    int count = 0;
    for (int i = 0; i < EKS_ALL; i++) count += study->ran[i] ? eks_comparisons(eks_designs[i]) : 0;
    return count;
}

/* The seeds that networks were trained with: as many as the largest card took. */
static void report_seeds(eki_json *json, const eks_study *study) {
    int most = 0;
    for (int i = 0; i < EKS_ALL; i++)
        most = study->evidence[i].seed_count > most ? study->evidence[i].seed_count : most;
    eki_json_array(json, "network_seeds");
    for (int s = 0; s < most; s++) eki_json_int(json, NULL, (int64_t)eks_run_seed(study->options->seed, s));
    eki_json_close(json);
}

static int measured(const eks_study *study) {
    int count = 0;
    for (int i = 0; i < EKS_CARDS; i++) count += study->ran[i];
    return count;
}

int eks_report(FILE *out, const eks_study *study, int html) {
    eki_json json;
    eki_json_start(&json, out, html ? 0 : 2);
    json.html = html;
    eki_json_object(&json, NULL);
    eki_json_text(&json, "evenkeel", ek_version());
    eki_json_text(&json, "level", eks_level_text(study));
    eki_json_int(&json, "seed", (int64_t)study->options->seed);
    eki_json_text(&json, "data", study->options->data);
    eki_json_text(&json, "more_data", study->options->more_data);
    eki_json_text(&json, "isa", study->isa);
    eki_json_text(&json, "sabotage", study->options->sabotage);
    eki_json_real(&json, "seconds", eks_seconds(study));
    eki_json_real(&json, "confidence", 0.95);
    report_seeds(&json, study);
    eki_json_int(&json, "measured", measured(study));
    eki_json_int(&json, "comparisons", eks_comparisons_of(study));
    eki_json_int(&json, "supported", eks_count(study, EKS_SUPPORTED));
    eki_json_int(&json, "refuted", eks_count(study, EKS_REFUTED));
    eki_json_int(&json, "inconclusive", eks_count(study, EKS_INCONCLUSIVE));
    eki_json_array(&json, "cards");
    for (int i = 0; i < EKS_CARDS; i++) eks_report_card(&json, study, &eks_texts[i]);
    eki_json_close(&json);
    eki_json_array(&json, "extras");
    for (int i = 0; i < EKS_EXTRAS; i++) eks_report_card(&json, study, &eks_extra_texts[i]);
    eki_json_close(&json);
    eks_report_page(&json);
    eki_json_close(&json);
    return eki_json_finish(&json);
}
