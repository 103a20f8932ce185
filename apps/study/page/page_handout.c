/* page_handout.c: two printed pages for teachers: the questions to hand out, and the answers with what was measured.
 * From the quiz; seen, and printed alone, where the address ends in #handout. */
#include "study/page/page.h"

#include <evenkeel/version.h>

static void question(FILE *out, const eks_choices *c) {
    eki_put(out, "<li><p>", c->question, "</p><ol>");
    for (int i = 0; i < 4 && c->choices[i]; i++) eki_put(out, "<li>", c->choices[i], "</li>");
    fputs("</ol></li>\n", out);
}

static void answer(FILE *out, const eks_study *study, const eks_design *design, const eks_choices *c) {
    char here[EKS_HERE_TEXT];
    eks_measured_here(study, design, c->endpoint, here);
    fprintf(out, "<li><p><b>%c. ", 'a' + c->correct);
    eki_put(out, "", c->choices[c->correct], ".</b> ");
    eki_put(out, "", c->why, " ");
    eki_put(out, "<i>", here, "</i></p></li>\n");
}

static void sheet(FILE *out, const eks_study *study, const char *title, int answers) {
    eki_put(out, "<div class=\"sheet\"><h2>", title, "</h2>\n<ol>\n");
    for (int i = 0; i < EKS_CARDS; i++) {
        const eks_choices shown = eks_shuffled(&eks_designs[i]->quiz, eks_designs[i]->number);
        if (answers)
            answer(out, study, eks_designs[i], &shown);
        else
            question(out, &shown);
    }
    fputs("</ol></div>\n", out);
}

void eks_page_handout(FILE *out, const eks_study *study) {
    fputs("<section id=\"handout\" class=\"handout\" aria-label=\"Two pages to hand out\">\n"
          "<p class=\"way\">Two pages to print: questions, answers. <a href=\"#quiz\">Back to the page</a></p>\n",
          out);
    sheet(out, study, "Batch normalization: fifteen questions", 0);
    sheet(out, study, "Fifteen answers, with what was measured", 1);
    fprintf(out, "<p class=\"run\">evenkeel study, %s, %s level, seed %llu.</p>\n</section>\n", ek_version(),
            eks_level_text(study), (unsigned long long)study->options->seed);
}
