/* ledger.c: what was changed in rules and designs since they first ran, on the page and in the JSON. */
#include "study/page/page.h"

typedef struct change {
    int card;
    const char *what, *why;
} change;

static const change changes[] = {
#define EKS_CHANGE(card, what, why) {card, what, why},
#include "study/ledger.def"
#undef EKS_CHANGE
};
enum { CHANGES = sizeof changes / sizeof changes[0] };

void eks_page_ledger(FILE *out) {
    fputs("<details class=\"more\" id=\"ledger\" open><summary>Every change of a rule or design since its first "
          "run</summary>\n<ul>\n",
          out);
    for (int i = 0; i < CHANGES; i++) {
        if (changes[i].card)
            fprintf(out, "<li><a href=\"#card-%d\">Card %d</a>: ", changes[i].card, changes[i].card);
        else
            fputs("<li>All cards: ", out);
        eki_put(out, "", changes[i].what, " ");
        eki_put(out, "<em>", changes[i].why, "</em></li>\n");
    }
    fputs("</ul></details>\n", out);
}

void eks_report_ledger(eki_json *json) {
    eki_json_array(json, "ledger");
    for (int i = 0; i < CHANGES; i++) {
        eki_json_object(json, NULL);
        eki_json_int(json, "card", changes[i].card);
        eki_json_text(json, "what", changes[i].what);
        eki_json_text(json, "why", changes[i].why);
        eki_json_close(json);
    }
    eki_json_close(json);
}
