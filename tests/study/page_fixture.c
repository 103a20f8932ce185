/* page_fixture.c OUT.html OUT.json [OUT.txt]: a page of made-up results, so that the page is tested without running
 * experiments.
 *
 * Every design gets numbers of every kind the page can show: values that keep their rule, arms over five seeds with one
 * that diverged, intervals, charts of each kind, a problem. The numbers mean nothing and are drawn from a fixed seed.
 */
#include "study/sweep.h"
#include "study/write.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 5 };

static int arms_of(const eks_design *design) {
    int count = design->number == 10 ? EKS_SWEEP_ARMS : 0; /* the first figure takes all */
    for (int i = 0; i < design->endpoint_count; i++)
        for (int t = 0; t < design->endpoints[i].contrast.terms; t++) {
            int arm = design->endpoints[i].contrast.term[t].arm;
            count = arm >= count ? arm + 1 : count;
        }
    return count > 0 || design->number % 3 ? count : 3; /* some cards of closed forms get arms, too */
}

static void make_arms(const eks_design *design, eks_evidence *evidence) {
    static const char *const names[] = {"batch norm", "no norm", "batch norm, noisy outputs", "group norm, 8 groups"};
    evidence->arm_count = arms_of(design);
    if (evidence->arm_count == 0) return;
    evidence->metric_count = 2;
    evidence->seed_count = SEEDS;
    evidence->metrics[0] = "test accuracy";
    evidence->metrics[1] = "test loss";
    evidence->metric_percent[0] = 1;
    for (int m = 2; m < EKS_METRICS; m++) evidence->metrics[m] = "metric";
    for (int a = 0; a < evidence->arm_count; a++) {
        evidence->arms[a].name = names[a % 4];
        for (int m = 0; m < EKS_METRICS; m++)
            for (int s = 0; s < SEEDS; s++) {
                uint64_t index = (uint64_t)((a * EKS_METRICS + m) * SEEDS + s);
                double u = eks_uniform(7, (uint64_t)design->number, index);
                evidence->arms[a].value[m][s] = m ? 0.2 + 0.7 * u : 0.55 + 0.4 * u;
            }
    }
    if (evidence->arm_count > 2) evidence->arms[2].value[1][3] = NAN; /* diverged */
}

static void make_values(const eks_design *design, eks_evidence *evidence) {
    for (int i = 0; i < design->endpoint_count; i++) {
        const eks_endpoint *e = &design->endpoints[i];
        double u = eks_uniform(8, (uint64_t)design->number, (uint64_t)i);
        switch (e->relation) {
        case EKS_EXACTLY: evidence->values[i] = e->threshold; break;
        case EKS_AT_MOST: evidence->values[i] = e->threshold * u; break;
        case EKS_AT_LEAST: evidence->values[i] = e->threshold * (1 + u); break;
        case EKS_WITHIN: evidence->values[i] = e->expected + e->threshold * (u - 0.5); break;
        }
    }
    if (design->number == 8) evidence->values[0] = 123.456; /* a refuted claim */
}

static void make_table(eks_evidence *evidence, int number) {
    static const char *const columns[] = {"case", "value", "share"};
    eks_table_begin(&evidence->table, "Made-up values", 3, columns);
    for (int r = 0; r < 4; r++) {
        int row = eks_table_row(&evidence->table);
        eks_cell_text(&evidence->table, row, 0, "case %c", 'a' + r);
        eks_cell_number(&evidence->table, row, 1, pow(10, 3 * r - 8) * eks_uniform(9, (uint64_t)number, (uint64_t)r));
        eks_cell_number(&evidence->table, row, 2, r ? 1.0 / r : NAN);
    }
}

static void make_chart(eks_evidence *evidence, int number) {
    eks_chart *chart = &evidence->chart;
    int bars = number % 3 == 0;
    chart->kind = bars ? EKS_CHART_BARS : EKS_CHART_XY;
    chart->title = "A made-up chart";
    chart->description = "Nothing should be read into it.";
    chart->x_label = "steps";
    chart->y_label = "share";
    chart->x_log = number % 2;
    chart->y_percent = number % 2;
    for (int s = 0; s < (bars ? 1 : EKS_SERIES); s++) {
        static const char *const names[] = {"one", "two", "three", "four", "five", "six"};
        eks_series *series = eks_chart_series(chart, names[s], s % 3 == 2 ? EKS_DOTS : EKS_LINE);
        int count = bars ? 4 : s % 2 ? 5 : 20;
        for (int i = 0; i < count; i++)
            eks_point(series, i + 1, eks_uniform(10, (uint64_t)(number * 10 + s), (uint64_t)i));
    }
    for (int i = 0; i < 4; i++) {
        static const char *const labels[] = {"alone", "sorted", "in order", "in another order"};
        chart->labels[i] = labels[i];
    }
}

static void make_evidence(eks_study *study, const eks_design *design) {
    eks_evidence *evidence = &study->evidence[design->number - 1];
    make_arms(design, evidence);
    make_values(design, evidence);
    if (design->number == 12) {
        for (int i = 0; i < design->endpoint_count; i++) evidence->values[i] = NAN;
        snprintf(evidence->problem, sizeof evidence->problem, "no <data> & no \"network\"");
    } else {
        make_table(evidence, design->number);
        make_chart(evidence, design->number);
    }
    evidence->seconds = 0.25 * design->number;
    eks_contrasts(design, evidence);
    eks_judge_all(design, evidence);
    study->ran[design->number - 1] = 1;
}

int main(int argc, char **argv) {
    ek_study_options options = {.quick = 1, .seed = 1};
    if (argc != 3 && argc != 4) {
        fprintf(stderr, "usage: page_fixture OUT.html OUT.json [OUT.txt]\n");
        return 2;
    }
    eks_study *study = calloc(1, sizeof *study);
    FILE *html = fopen(argv[1], "w"), *json = fopen(argv[2], "w");
    if (!study || !html || !json) return 1;
    study->options = &options;
    study->isa = "generic";
    for (int i = 0; eks_designs[i]; i++) make_evidence(study, eks_designs[i]);
    eks_page(html, study);
    int good = eks_report(json, study, 0) && !ferror(html);
    FILE *anki = argc == 4 ? fopen(argv[3], "w") : NULL;
    if (anki) good = eks_anki(anki, study) && fclose(anki) == 0 && good;
    good = fclose(html) == 0 && fclose(json) == 0 && good;
    free(study);
    return good ? 0 : 1;
}
