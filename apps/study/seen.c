/* seen.c: a measurement in words, and the one sentence that a reading's verdict stands for. */
#include "study/write.h"

#include <math.h>
#include <string.h>

static int is_difference(const eks_endpoint *endpoint) { return endpoint->percent && endpoint->contrast.terms > 1; }

static void in_unit(const eks_endpoint *endpoint, double value, char text[64]) {
    (endpoint->percent ? eki_percent : eki_number)(value, text);
    if (is_difference(endpoint)) text[strcspn(text, "%")] = 0; /* points, not per cent */
}

void eks_measured(const eks_endpoint *endpoint, double value, double low, double high, char text[EKS_MEASURED_TEXT]) {
    const char *unit = is_difference(endpoint) && !isnan(value) ? " points" : "";
    char middle[64], from[64], to[64];
    in_unit(endpoint, value, middle);
    in_unit(endpoint, low, from);
    in_unit(endpoint, high, to);
    if (isfinite(low) && isfinite(high) && low < high)
        snprintf(text, EKS_MEASURED_TEXT, "%s%s [%s, %s]", middle, unit, from, to);
    else
        snprintf(text, EKS_MEASURED_TEXT, "%s%s", middle, unit);
}

static eks_state state_of(const eks_design *design, const eks_evidence *evidence, int i) {
    return eks_endpoint_state(&design->endpoints[i], evidence->values[i], evidence->low[i], evidence->high[i]);
}

static void number_of(const eks_design *design, const eks_evidence *evidence, int i, char text[EKS_MEASURED_TEXT]) {
    eks_measured(&design->endpoints[i], evidence->values[i], evidence->low[i], evidence->high[i], text);
}

/* `phrase` with the number of endpoint i in place of its #. */
static void fill(const char *phrase, const eks_design *design, const eks_evidence *evidence, int i,
                 char text[EKS_SEEN_TEXT]) {
    char number[EKS_MEASURED_TEXT];
    const char *mark = strchr(phrase, '#');
    number_of(design, evidence, i, number);
    if (mark)
        snprintf(text, EKS_SEEN_TEXT, "%.*s%s%s", (int)(mark - phrase), phrase, number, mark + 1);
    else
        snprintf(text, EKS_SEEN_TEXT, "%s: %s", phrase, number);
}

/* In words of the rule: "Not settled: WHAT 0.4 points [−0.9, 1.7], where ≥ 1% was asked." */
static void in_words(const char *word, const eks_design *design, const eks_evidence *evidence, int i,
                     char text[EKS_SEEN_TEXT]) {
    char number[EKS_MEASURED_TEXT], rule[80];
    number_of(design, evidence, i, number);
    eks_rule(&design->endpoints[i], rule);
    snprintf(text, EKS_SEEN_TEXT, "%s: %.160s: %s, where %s was asked.", word, design->endpoints[i].what, number, rule);
}

/* The first endpoint of a reading, or of the controls, in none of the states that `but` holds as bits; or -1. */
static int first_of(const eks_design *design, const eks_evidence *evidence, int reading, int control, int but) {
    for (int i = 0; i < design->endpoint_count; i++) {
        const eks_endpoint *e = &design->endpoints[i];
        if (e->control != control || (!control && e->reading != reading)) continue;
        if (!(but >> state_of(design, evidence, i) & 1)) return i;
    }
    return -1;
}

static int shown(const eks_design *design, const eks_reading *reading, int index) {
    const eks_endpoint *e = &design->endpoints[reading->shows];
    return e->reading == index && !e->control ? reading->shows : -1;
}

void eks_seen(const eks_design *design, const eks_evidence *evidence, int index, char text[EKS_SEEN_TEXT]) {
    const eks_reading reading = eks_reading_of(design, index);
    const eks_verdict verdict = evidence->verdicts[index];
    int best = shown(design, &reading, index), first = first_of(design, evidence, index, 0, 0);
    int control = first_of(design, evidence, index, 1, 1 << EKS_HOLDS);
    int broken = first_of(design, evidence, index, 0, ~(1 << EKS_BROKEN));
    int open = first_of(design, evidence, index, 0, 1 << EKS_HOLDS);
    if (evidence->problem[0])
        snprintf(text, EKS_SEEN_TEXT, "Nothing could be measured.");
    else if (verdict == EKS_SUPPORTED && reading.yes)
        fill(reading.yes, design, evidence, best >= 0 ? best : first, text);
    else if (verdict == EKS_SUPPORTED)
        in_words("Held", design, evidence, best >= 0 ? best : first, text);
    else if (verdict == EKS_REFUTED && reading.no && best >= 0 && state_of(design, evidence, best) == EKS_BROKEN)
        fill(reading.no, design, evidence, best, text);
    else if (verdict == EKS_REFUTED)
        in_words("Did not hold", design, evidence, broken, text);
    else if (control >= 0)
        in_words("The instrument could not see", design, evidence, control, text);
    else
        in_words("Not settled", design, evidence, open >= 0 ? open : first, text);
}

void eks_measured_here(const eks_study *study, const eks_design *design, int i, char text[EKS_HERE_TEXT]) {
    const eks_evidence *evidence = &study->evidence[design->number - 1];
    char measured[EKS_MEASURED_TEXT];
    text[0] = 0;
    if (!study->ran[design->number - 1] || isnan(evidence->values[i])) return;
    eks_measured(&design->endpoints[i], evidence->values[i], evidence->low[i], evidence->high[i], measured);
    snprintf(text, EKS_HERE_TEXT, "Measured here: %.220s: %s.", design->endpoints[i].what, measured);
}
