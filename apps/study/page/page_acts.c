/* page_acts.c: the cards in three acts: what it computes, its two modes, why and when. Each act opens with a few words
 * and the one figure that carries its point. */
#include "study/mathml.h"
#include "study/page/svg.h"

#include <math.h>

#define STEP(words, formula) "<li><span>" words "</span>" formula "</li>"
#define STEPS                                                                                                          \
    "<ol class=\"steps\">" STEP("Take the mean of the channel over the batch.",                                        \
                                MATH(SUB(I("μ"), I("B")) O("=") T("mean") F("(") I("x") F(")")))                       \
        STEP("Take its variance.", MATH(SUBSUP(I("σ"), I("B"), D("2")) O("=") T("mean") F("(") F("(") I("x") O("−")    \
                                            SUB(I("μ"), I("B")) SUP(F(")"), D("2")) F(")")))                           \
            STEP("Normalize. The small ε keeps the root away from zero.",                                              \
                 MATH(HAT(I("x")) O("=") FRAC(I("x") O("−") SUB(I("μ"), I("B")),                                       \
                                              ROOT(SUBSUP(I("σ"), I("B"), D("2")) O("+") I("ε")))))                    \
                STEP("Scale and shift, by two learned values per channel.",                                            \
                     MATH(I("y") O("=") I("γ") HAT(I("x")) O("+") I("β"))) "</ol>\n"

#define ROW(what, training, evaluation)                                                                                \
    "<tr><th scope=\"row\">" what "</th><td>" training "</td><td>" evaluation "</td></tr>"
#define MODES                                                                                                          \
    "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"Training against evaluation\">"                  \
    "<table class=\"modes\"><thead><tr><th scope=\"col\">What</th><th scope=\"col\">Training</th>"                     \
    "<th scope=\"col\">Evaluation</th></tr></thead><tbody>" ROW("mean and variance", "of this batch",                  \
                                                                "the running statistics")                              \
        ROW("running statistics", "move a little towards this batch", "stay as they are")                              \
            ROW("γ and β", "trained", "used, not trained")                                                             \
                ROW("one image’s result", "depends on its batch mates",                                                \
                    "depends on the image alone") "</tbody></table></div>\n"

typedef struct act {
    const char *count, *title, *text;
    const char *more; /* markup below the text, or NULL */
    void (*figure)(FILE *out, const eks_study *study);
    int cards[7]; /* 0 ends */
} act;

static void which_values(FILE *out, const eks_study *study) {
    (void)study;
    eks_page_axes(out, 0);
}

static void two_modes(FILE *out, const eks_study *study) {
    (void)study;
    eks_page_modes(out);
}

static const act acts[] = {
    {"Act one",
     "What it computes",
     "The channels that reach a layer have whatever size the layers before them happen to give, and it moves as those "
     "learn. Batch norm measures each channel on the mini-batch and brings it to a common centre and spread; two "
     "learned values then choose the centre and spread that the network wants. All norms of the family compute these "
     "four lines. They differ in which values share a mean: below, the filled ones make up one set.",
     STEPS,
     which_values,
     {1, 6, 8, 9, 10}},
    {"Act two",
     "Its two modes",
     "In training the statistics come from the batch. To serve a model so would make the answer for one image depend "
     "on whoever was asked about in the same moment. So training keeps running averages, and evaluation uses those. "
     "When something is odd, ask which mode is on, and where the running statistics came from.",
     MODES,
     two_modes,
     {3, 7, 12, 13}},
    {"Act three",
     "Why it works, and when to use it",
     "A network that stalls at a rate learns with batch norm, and bears rates at which the plain one fails. Why is "
     "contested; that the distributions grow stable is not it, since noise that shakes them does little harm. The "
     "price is the batch: few images, or images alike, and its statistics say little.",
     NULL,
     eks_page_rates,
     {2, 4, 5, 11, 14, 15}},
};
enum { ACTS = sizeof acts / sizeof acts[0] };

static void one_act(FILE *out, const eks_study *study, int i) {
    const act *a = &acts[i];
    fprintf(out,
            "<section class=\"act\" id=\"act-%d\" aria-labelledby=\"act-%d-title\">\n<div class=\"act-head\">"
            "<p class=\"kicker\">%s</p>\n<h2 id=\"act-%d-title\" class=\"section-title\">%s</h2>\n",
            i + 1, i + 1, a->count, i + 1, a->title);
    eki_put(out, "<p>", a->text, "</p>\n");
    if (a->more) fputs(a->more, out);
    a->figure(out, study);
    fputs("</div>\n", out);
    for (int k = 0; a->cards[k]; k++) eks_page_card(out, study, eks_text_of(a->cards[k]));
    fputs("</section>\n", out);
}

void eks_page_acts(FILE *out, const eks_study *study) {
    fputs("<section id=\"questions\" class=\"questions\" aria-label=\"The fifteen questions\" tabindex=\"-1\">\n", out);
    for (int i = 0; i < ACTS; i++) one_act(out, study, i);
    fputs("</section>\n", out);
}

void eks_page_acts_contents(FILE *out, void (*entry)(FILE *out, const eks_study *study, const eks_text *text),
                            const eks_study *study) {
    for (int i = 0; i < ACTS; i++) {
        fprintf(out, "<div><h3><a href=\"#act-%d\">%s</a></h3><ol>\n", i + 1, acts[i].title);
        for (int k = 0; acts[i].cards[k]; k++) entry(out, study, eks_text_of(acts[i].cards[k]));
        fputs("</ol></div>\n", out);
    }
}

void eks_report_acts(eki_json *json) {
    eki_json_array(json, "acts");
    for (int i = 0; i < ACTS; i++) {
        eki_json_object(json, NULL);
        eki_json_text(json, "title", acts[i].title);
        eki_json_text(json, "text", acts[i].text);
        eki_json_text(json, "markup", acts[i].more);
        eki_json_array(json, "cards");
        for (int k = 0; acts[i].cards[k]; k++) eki_json_int(json, NULL, acts[i].cards[k]);
        eki_json_close(json);
        eki_json_close(json);
    }
    eki_json_close(json);
}
