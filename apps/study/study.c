/* study.c: runs the experiments one after the other, judges them, and writes the files.
 *
 * An experiment that cannot be carried out (its data is missing, memory ran out) is reported on its card as
 * inconclusive, with the reason; the others go on and the files are written all the same.
 */
#include "study/study.h"

#include "study/lab.h"
#include "study/load.h"
#include "study/network.h"
#include "study/write.h"

#include <evenkeel/cpu.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

const eks_text *eks_text_of(int number) {
    return number <= EKS_CARDS ? &eks_texts[number - 1] : &eks_extra_texts[number - EKS_CARDS - 1];
}

int eks_count(const eks_study *study, eks_verdict verdict) {
    int count = 0;
    for (int i = 0; i < EKS_CARDS; i++)
        for (int r = 0; study->ran[i] && r < eks_reading_count(eks_designs[i]); r++)
            count += study->evidence[i].verdicts[r] == verdict;
    return count;
}

static int design_count(void) {
    int count = 0;
    while (eks_designs[count]) count++;
    return count;
}

static ek_status check_options(const ek_study_options *options, ek_error *err) {
    if (options->quick && options->full)
        return eks_fail(err, EK_ERR_ARG, "the study is run at one level: quick or full, not both");
    if (options->card < 0 || options->card > EKS_ALL || (options->card && !eks_design_of(options->card)))
        return eks_fail(err, EK_ERR_ARG, "there is no card %d: expected 1 to %d (from %d on the extras), or 0 for all",
                        options->card, EKS_ALL, EKS_CARDS + 1);
    if (!options->sabotage) return EK_OK;
    for (int i = 0; eks_designs[i]; i++)
        if (eks_sabotages(eks_designs[i], options->sabotage) || eks_blinds(eks_designs[i], options->sabotage))
            return EK_OK;
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
    study->sabotaged = eks_sabotages(design, study->options->sabotage);
    study->blinded = eks_blinds(design, study->options->sabotage);
    double start = eks_now();
    ek_status status = design->forms ? design->forms(study, evidence, &err) : EK_OK;
    if (status == EK_OK && design->run) status = design->run(study, evidence, &err);
    evidence->seconds = eks_now() - start;
    if (status != EK_OK) {
        for (int i = 0; i < EKS_ENDPOINTS; i++) evidence->values[i] = NAN;
        evidence->table.row_count = evidence->table.column_count = 0;
        evidence->chart.kind = EKS_CHART_NONE;
        evidence->arm_count = evidence->seed_count = evidence->metric_count = 0;
        snprintf(evidence->problem, sizeof evidence->problem, "%s: %.450s", ek_status_name(status), err.text);
    }
    eks_conclude(design, evidence);
    study->ran[design->number - 1] = 1;
}

/* What the cards took together, over all runs that a study was put together from. */
double eks_seconds(const eks_study *study) {
    double sum = 0;
    for (int i = 0; i < EKS_ALL; i++) sum += study->ran[i] ? study->evidence[i].seconds : 0;
    return sum;
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

static ek_status say_stopped(const char *partial, ek_error *err) {
    if (partial[0] == 0) return eks_fail(err, EK_ERR_INTERRUPTED, "interrupted; no page was written");
    return eks_fail(err, EK_ERR_INTERRUPTED,
                    "interrupted; no page was written. The finished cards are kept in %s: the same command goes on",
                    partial);
}

ek_status ek_study_run(const ek_study_options *options, int *claims_failed, ek_error *err) {
    if (claims_failed) *claims_failed = 0;
    EKS_TRY(check_options(options, err));
    eks_study *study = calloc(1, sizeof *study);
    if (!study) return eks_fail(err, EK_ERR_NOMEM, "out of memory for the study");
    study->options = options;
    study->isa = ek_cpu_isa();
    study->level = options->quick ? EKS_LEVEL_QUICK : options->full ? EKS_LEVEL_FULL : EKS_LEVEL_DEFAULT;
    char partial[4096] = "";
    /* The quick level is not worth continuing, and must not find an older quick run. */
    if (options->output_json && !options->quick &&
        snprintf(partial, sizeof partial, "%s.partial", options->output_json) < (int)sizeof partial)
        (void)eks_load_same_run(study, partial);
    for (int i = 0; eks_designs[i]; i++) {
        const eks_design *design = eks_designs[i];
        if (options->card && options->card != design->number) continue;
        study->current = eks_text_of(design->number)->question;
        study->share = options->card ? 1 : 1.0 / design_count();
        if (options->progress) options->progress(options->context, study->current, study->done);
        if (!study->ran[design->number - 1]) run_card(study, design);
        if (eks_stopped(study)) break;
        study->done += study->share;
        if (partial[0] && eks_save(partial, study, write_report, NULL) != EK_OK) partial[0] = 0;
    }
    if (options->progress) options->progress(options->context, "done", 1);
    if (claims_failed) *claims_failed = surprises(study);
    ek_status status = EK_OK;
    if (eks_stopped(study)) status = say_stopped(partial, err);
    if (status == EK_OK && options->output_html) status = eks_save(options->output_html, study, write_page, err);
    if (status == EK_OK && options->output_json) status = eks_save(options->output_json, study, write_report, err);
    if (status == EK_OK && options->output_anki) status = eks_save(options->output_anki, study, eks_anki, err);
    if (status == EK_OK && partial[0]) (void)remove(partial);
    eks_network_free(study->network);
    eks_kept_free(study);
    eks_pools_free(study);
    free(study);
    return status;
}

ek_status ek_study_verify(const char *path, int *checked, int *wrong, void *context,
                          void (*say)(void *context, const char *text), ek_error *err) {
    eks_study *study = calloc(1, sizeof *study);
    if (!study) return eks_fail(err, EK_ERR_NOMEM, "out of memory for the study");
    study->options = &study->given;
    ek_status status = eks_verify(study, path, checked, wrong, context, say, err);
    eks_kept_free(study);
    free(study);
    return status;
}
