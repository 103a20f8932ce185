/* svg_differences.c: one row per comparison: its mean and interval, zero, and the threshold that it is judged by.
 *
 * Rows in percentage points share a scale; any other has its own. A disc held its rule, a cross broke it, a hollow
 * diamond is not settled, so that none needs its colour.
 */
#include "study/page/svg.h"

#include <math.h>
#include <string.h>

enum { ROW = 56, LEFT = 8, RIGHT = 342, NUMBER = 456, TOP = 4 }; /* numbers stand at the right */

typedef struct span {
    double from, to;
} span;

static int is_drawn(const eks_design *design, const eks_evidence *evidence, int i) {
    const eks_endpoint *e = &design->endpoints[i];
    return e->contrast.terms > 1 && isfinite(evidence->low[i]) && isfinite(evidence->high[i]);
}

int eks_has_differences(const eks_design *design, const eks_evidence *evidence) {
    for (int i = 0; i < design->endpoint_count; i++)
        if (is_drawn(design, evidence, i)) return 1;
    return 0;
}

static void widen(span *s, const eks_design *design, const eks_evidence *evidence, int i) {
    const eks_endpoint *e = &design->endpoints[i];
    const double reach = e->relation == EKS_WITHIN ? e->threshold : 0;
    const double mark = e->relation == EKS_WITHIN ? e->expected : e->threshold;
    s->from = fmin(s->from, fmin(fmin(0, evidence->low[i]), mark - reach));
    s->to = fmax(s->to, fmax(fmax(0, evidence->high[i]), mark + reach));
}

static span span_of(const eks_design *design, const eks_evidence *evidence, int i) {
    span s = {0, 0};
    widen(&s, design, evidence, i);
    for (int k = 0; k < design->endpoint_count && design->endpoints[i].percent; k++)
        if (is_drawn(design, evidence, k) && design->endpoints[k].percent) widen(&s, design, evidence, k);
    if (!(s.to > s.from)) s.to = s.from + 1;
    return s;
}

static double px(const span *s, double x) { return LEFT + 6 + (x - s->from) / (s->to - s->from) * (RIGHT - LEFT - 12); }

static void threshold(FILE *out, const span *s, const eks_endpoint *e, double y) {
    if (e->relation == EKS_WITHIN) {
        double from = px(s, e->expected - e->threshold), to = px(s, e->expected + e->threshold);
        fprintf(out, "<rect class=\"band\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"22\"/>", from, y - 11,
                to - from);
        return;
    }
    double x = px(s, e->threshold);
    fprintf(out,
            "<line class=\"limit\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
            "<path class=\"limit-head\" d=\"M%.1f %.1fl-5 -7h10z\"/>",
            x, x, y - 12, y + 11, x, y - 8);
}

static void mark(FILE *out, const char *state, double x, double y, const char *tip) {
    static const char disc[] = "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z", diamond[] = "M0 -6l6 6l-6 6l-6 -6z",
                      cross[] = "M-5 -5l10 10M5 -5l-10 10";
    const char *shape = state[0] == 'h' ? disc : state[0] == 'b' ? cross : diamond;
    fprintf(out, "<path class=\"verdict-mark %s\" transform=\"translate(%.1f %.1f)\" d=\"%s\"", state, x, y, shape);
    eki_put(out, " data-tip=\"", tip, "\"/>");
}

static void row(FILE *out, const eks_design *design, const eks_evidence *evidence, int i, double y) {
    static const char *const states[] = {"unclear", "held", "broken", "unclear"};
    const eks_endpoint *e = &design->endpoints[i];
    const span s = span_of(design, evidence, i);
    const char *state = states[eks_endpoint_state(e, evidence->values[i], evidence->low[i], evidence->high[i])];
    char number[EKS_MEASURED_TEXT];
    eks_measured(e, evidence->values[i], evidence->low[i], evidence->high[i], number);
    fprintf(out, "<text class=\"bar-label\" x=\"%d\" y=\"%.1f\">", LEFT, y - 19);
    eki_put(out, "", e->what, "</text>");
    fprintf(out, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, RIGHT, y, y);
    fprintf(out, "<line class=\"base\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", px(&s, 0), px(&s, 0), y - 9,
            y + 9);
    threshold(out, &s, e, y);
    fprintf(out, "<line class=\"reach %s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", state,
            px(&s, evidence->low[i]), px(&s, evidence->high[i]), y, y);
    mark(out, state, px(&s, evidence->values[i]), y, number);
    number[strcspn(number, "[")] = 0; /* the interval is drawn */
    fprintf(out, "<text class=\"bar-value\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>", NUMBER, y + 5, number);
}

void eks_page_differences(FILE *out, const eks_design *design, const eks_evidence *evidence) {
    char id[32];
    int rows = 0;
    for (int i = 0; i < design->endpoint_count; i++) rows += is_drawn(design, evidence, i);
    snprintf(id, sizeof id, "differences-%d", design->number);
    fputs("<figure class=\"differences\">", out);
    eks_svg_open(out, id, TOP + rows * ROW, "Differences, with intervals, against their thresholds",
                 "One row per comparison. The table of endpoints has the numbers.");
    for (int i = 0, at = 0; i < design->endpoint_count; i++)
        if (is_drawn(design, evidence, i)) row(out, design, evidence, i, TOP + at++ * ROW + 34);
    fputs("</svg><figcaption>Differences against their thresholds.</figcaption></figure>\n", out);
}
