/* page_choices.c: questions with choices: the prediction box above a card's answer, and the quiz.
 *
 * Everything stands in the page, right answer and reason included; the script turns choices into buttons and keeps the
 * reason back until one is chosen. The evidence of a card is never kept back.
 */
#include "study/page/page.h"

enum { CHOICES = 4 };

/* Where the right answer stands: over the fifteen questions of a list at every place alike, in no order to be guessed.
 */
static int place_of(int number, int count) {
    enum { QUESTIONS = 15, SHUFFLE = 60 };
    int64_t order[QUESTIONS];
    eks_permutation(order, QUESTIONS, 0, SHUFFLE + (uint64_t)count);
    return (int)(order[(number - 1) % QUESTIONS] % count);
}

eks_choices eks_shuffled(const eks_choices *choices, int number) {
    enum { SHUFFLE = 80 };
    int64_t order[CHOICES];
    int count = 0, at = 0, from = -1;
    eks_choices shown = *choices;
    while (count < CHOICES && choices->choices[count]) count++;
    eks_permutation(order, count, (uint64_t)number, SHUFFLE);
    for (int i = 0; i < count; i++)
        if (order[i] == choices->correct) from = i;
    if (from >= 0) { /* the right one to its place, what stood there to where it was */
        at = place_of(number, count);
        order[from] = order[at];
        order[at] = choices->correct;
        shown.correct = at;
    }
    for (int i = 0; i < count; i++) shown.choices[i] = choices->choices[order[i]];
    return shown;
}

/* The measured value behind an explanation, where this run has it. */
static void measured_here(FILE *out, const eks_study *study, const eks_design *design, int i) {
    char text[EKS_HERE_TEXT];
    eks_measured_here(study, design, i, text);
    if (!text[0]) return;
    eki_put(out, " <span class=\"here\">", text, "");
    fprintf(out, " <a href=\"#evidence-%d\">See the evidence</a></span>", design->number);
}

static void choices(FILE *out, const eks_choices *c, int open) {
    fputs("<ol class=\"choices\">", out);
    for (int i = 0; i < CHOICES && c->choices[i]; i++) {
        eki_put(out, i == c->correct ? "<li class=\"right\"><span>" : "<li><span>", c->choices[i], "</span>");
        if (i == c->correct) fputs(" <em class=\"tick\">✓ right</em>", out);
        fputs("</li>", out);
    }
    fputs("</ol>\n", out);
    if (open) fputs("<p class=\"open\">There is no settled answer to this one.</p>\n", out);
}

void eks_page_prediction(FILE *out, const eks_study *study, const eks_text *text) {
    const eks_design *design = eks_design_of(text->number);
    if (!design->predict.question) return;
    const eks_choices shown = eks_shuffled(&design->predict, design->number), *c = &shown;
    fprintf(out,
            "<div class=\"predict\" role=\"group\" aria-labelledby=\"predict-%d\"><p class=\"ask\" id=\"predict-%d\">"
            "<b>Predict.</b> ",
            text->number, text->number);
    eki_put(out, "", c->question, "</p>\n");
    choices(out, c, 0);
    eki_put(out, "<p class=\"because\">", c->why, "");
    measured_here(out, study, design, c->endpoint);
    fputs("</p></div>\n", out);
}

static void question(FILE *out, const eks_study *study, const eks_design *design) {
    const eks_choices shown = eks_shuffled(&design->quiz, design->number), *c = &shown;
    int number = design->number;
    fprintf(out,
            "<li class=\"quiz-item %s\" id=\"quiz-%d\"><div role=\"group\" aria-labelledby=\"quiz-ask-%d\">"
            "<p class=\"ask\" id=\"quiz-ask-%d\">",
            eks_level_class(eks_texts[number - 1].level), number, number, number);
    eki_put(out, "", c->question, "</p>\n");
    choices(out, c, 0);
    eki_put(out, "<p class=\"because\">", c->why, "");
    measured_here(out, study, design, c->endpoint);
    fprintf(out, " <a class=\"back\" href=\"#card-%d\">Card %d</a></p></div></li>\n", number, number);
}

void eks_page_quiz(FILE *out, const eks_study *study) {
    fputs("<section id=\"quiz\" class=\"quiz\" aria-labelledby=\"quiz-title\">\n"
          "<h2 id=\"quiz-title\" class=\"section-title\">Quiz</h2>\n"
          "<p class=\"section-lede\">One question per card. The explanation is what was measured.</p>\n"
          "<p class=\"score\" id=\"score\" role=\"status\" hidden></p>\n",
          out);
    eks_page_fold(out, "Fifteen questions");
    fputs("<ol class=\"quiz-list\">\n", out);
    for (int i = 0; eks_designs[i]; i++)
        if (eks_designs[i]->quiz.question) question(out, study, eks_designs[i]);
    fputs("</ol>\n", out);
    eks_page_unfold(out);
    fputs("<p class=\"quiz-tools\" hidden><button type=\"button\" class=\"pill\" id=\"quiz-show\">Show all "
          "answers</button> <button type=\"button\" class=\"pill\" id=\"quiz-again\">Start again</button></p>\n"
          "</section>\n",
          out);
}

static void report_choices(eki_json *json, int card, const eks_choices *choices) {
    const eks_choices shown = eks_shuffled(choices, card), *c = &shown;
    eki_json_object(json, NULL);
    eki_json_int(json, "card", card);
    eki_json_text(json, "question", c->question);
    eki_json_array(json, "choices");
    for (int k = 0; k < CHOICES && c->choices[k]; k++) eki_json_text(json, NULL, c->choices[k]);
    eki_json_close(json);
    eki_json_int(json, "correct", c->correct);
    eki_json_text(json, "why", c->why);
    eki_json_int(json, "endpoint", c->endpoint + 1); /* counted from 1 there */
    eki_json_close(json);
}

void eks_report_quiz(eki_json *json) {
    eki_json_array(json, "predictions");
    for (int i = 0; i < EKS_CARDS; i++) report_choices(json, i + 1, &eks_designs[i]->predict);
    eki_json_close(json);
    eki_json_array(json, "quiz");
    for (int i = 0; i < EKS_CARDS; i++) report_choices(json, i + 1, &eks_designs[i]->quiz);
    eki_json_close(json);
}
