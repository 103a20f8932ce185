/* study.c: runs the experiments one after the other, judges them, and writes the files.
 *
 * An experiment that cannot be carried out (its data is missing, memory ran out) is reported on its card as
 * inconclusive, with the reason; the others go on and the files are written all the same.
 */
#include "study/study.h"

#include "study/network.h"
#include "study/write.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const eks_design eks_card01, eks_card03, eks_card07, eks_card08, eks_card09, eks_card10, eks_card12;
const eks_design *const eks_designs[] = {&eks_card01, &eks_card03, &eks_card07, &eks_card08,
                                         &eks_card09, &eks_card10, &eks_card12, NULL};

const eks_design *eks_design_of(int number) {
    for (int i = 0; eks_designs[i]; i++)
        if (eks_designs[i]->number == number) return eks_designs[i];
    return NULL;
}

const eks_text *eks_text_of(int number) {
    return number <= EKS_CARDS ? &eks_texts[number - 1] : &eks_extra_texts[number - EKS_CARDS - 1];
}

int eks_count(const eks_study *study, eks_verdict verdict) {
    int count = 0;
    for (int i = 0; i < EKS_CARDS; i++) count += study->ran[i] && study->evidence[i].verdict == verdict;
    return count;
}

static int design_count(void) {
    int count = 0;
    while (eks_designs[count]) count++;
    return count;
}

static ek_status check_options(const ek_study_options *options, ek_error *err) {
    if (!options->quick)
        return eks_fail(err, EK_ERR_UNSUPPORTED, "only the quick level of the study is built so far: add --quick");
    if (options->card < 0 || options->card > EKS_CARDS)
        return eks_fail(err, EK_ERR_ARG, "there is no card %d: expected 1 to %d, or 0 for all", options->card,
                        EKS_CARDS);
    if (options->card && !eks_design_of(options->card))
        return eks_fail(err, EK_ERR_UNSUPPORTED,
                        "card %d is not measured by the quick level; measured are 1, 3, 7, 8, 9, 10 and 12",
                        options->card);
    if (!options->sabotage) return EK_OK;
    for (int i = 0; eks_designs[i]; i++)
        if (eks_sabotages(eks_designs[i], options->sabotage)) return EK_OK;
    char names[1024] = "";
    for (int i = 0; eks_designs[i]; i++) {
        strcat(names, i ? ", " : "");
        strcat(names, eks_designs[i]->sabotage);
    }
    return eks_fail(err, EK_ERR_ARG, "there is no sabotage '%.40s': expected the number of a measured card, or %s",
                    options->sabotage, names);
}

static void run_card(eks_study *study, const eks_design *design) {
    eks_evidence *evidence = &study->evidence[design->number - 1];
    ek_error err = {EK_OK, ""};
    for (int i = 0; i < EKS_ENDPOINTS; i++) evidence->values[i] = NAN;
    study->uses = eks_uses_for(design, study->options->sabotage);
    double start = eks_now();
    ek_status status = design->run(study, evidence, &err);
    evidence->seconds = eks_now() - start;
    if (status != EK_OK) {
        for (int i = 0; i < EKS_ENDPOINTS; i++) evidence->values[i] = NAN;
        evidence->table.row_count = evidence->table.column_count = 0;
        evidence->chart.kind = EKS_CHART_NONE;
        snprintf(evidence->problem, sizeof evidence->problem, "%s: %.450s", ek_status_name(status), err.text);
    }
    eks_contrasts(design, evidence);
    eks_judge_all(design, evidence);
    study->ran[design->number - 1] = 1;
}

static int surprises(const eks_study *study) {
    int count = 0;
    for (int i = 0; eks_designs[i]; i++) {
        int k = eks_designs[i]->number - 1;
        count += study->ran[k] && eks_surprising(eks_designs[i], &study->evidence[k]);
    }
    return count;
}

static int write_page(FILE *out, const eks_study *study) {
    eks_page(out, study);
    return !ferror(out);
}

static int write_report(FILE *out, const eks_study *study) { return eks_report(out, study, 0); }

ek_status ek_study_run(const ek_study_options *options, int *claims_failed, ek_error *err) {
    if (claims_failed) *claims_failed = 0;
    EKS_TRY(check_options(options, err));
    eks_study *study = calloc(1, sizeof *study);
    if (!study) return eks_fail(err, EK_ERR_NOMEM, "out of memory for the study");
    study->options = options;
    double start = eks_now();
    for (int i = 0; eks_designs[i]; i++) {
        const eks_design *design = eks_designs[i];
        if (options->card && options->card != design->number) continue;
        if (options->progress)
            options->progress(options->context, eks_texts[design->number - 1].question,
                              options->card ? 0 : (double)i / design_count());
        run_card(study, design);
    }
    if (options->progress) options->progress(options->context, "done", 1);
    study->seconds = eks_now() - start;
    if (claims_failed) *claims_failed = surprises(study);
    ek_status status = EK_OK;
    if (options->output_html) status = eks_save(options->output_html, study, write_page, err);
    if (status == EK_OK && options->output_json) status = eks_save(options->output_json, study, write_report, err);
    eks_network_free(study->network);
    free(study);
    return status;
}
