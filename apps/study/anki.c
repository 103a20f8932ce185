/* anki.c: the questions as a file that Anki imports: three columns, tab-separated, a note per line.
 *
 * Fields are HTML, in which no quote, tab or end of line is left, so that none needs quoting.
 */
#include "study/write.h"

#include "report/html_out.h"

#include <string.h>

static void note_of_card(FILE *out, const eks_study *study, const eks_text *text) {
    const eks_design *design = eks_design_of(text->number);
    const eks_evidence *evidence = &study->evidence[text->number - 1];
    eki_put(out, "", text->question, "\t");
    eki_put(out, "", text->answer, "");
    if (text->exact) eki_put(out, "<br><br>", text->exact, "");
    eki_put(out, "<br><br>", text->formula_text, "\t");
    if (!study->ran[text->number - 1]) fputs("Not measured in this run.", out);
    for (int r = 0; study->ran[text->number - 1] && r < eks_reading_count(design); r++) {
        char seen[EKS_SEEN_TEXT];
        eks_seen(design, evidence, r, seen);
        fprintf(out, "%s<b>%s</b> ", r ? "<br>" : "", eks_verdict_name(evidence->verdicts[r]));
        eki_put(out, "", eks_reading_of(design, r).sentence, " ");
        eki_put(out, "<i>", seen, "</i>");
    }
    fputs("\n", out);
}

static void note_of_quiz(FILE *out, const eks_study *study, const eks_design *design) {
    const eks_choices *c = &design->quiz;
    char here[EKS_HERE_TEXT];
    eks_measured_here(study, design, c->endpoint, here);
    eki_put(out, "", c->question, "\t");
    eki_put(out, "<b>", c->choices[c->correct], "</b><br>");
    eki_put(out, "", c->why, "\t");
    eki_put(out, "", here[0] ? here : "Not measured in this run.", "\n");
}

int eks_anki(FILE *out, const eks_study *study) {
    fputs("#separator:tab\n#html:true\n#columns:Question\tAnswer\tEvidence\n#deck:Batch normalization\n", out);
    for (int n = 1; n <= EKS_ALL; n++) note_of_card(out, study, eks_text_of(n));
    for (int i = 0; eks_designs[i]; i++)
        if (eks_designs[i]->quiz.question) note_of_quiz(out, study, eks_designs[i]);
    return !ferror(out);
}
