/* words.c: a cell and a rule in words. */
#include "study/write.h"

#include <stdio.h>

void eks_cell_words(const eks_cell *cell, char text[64]) {
    char number[64];
    eki_number(cell->value, number);
    snprintf(text, 64, "%s", cell->text[0] ? cell->text : number);
}

void eks_rule(const eks_endpoint *endpoint, char text[80]) {
    static const char *const signs[] = {"=", "≤", "≥", "±"};
    char number[64], expected[64];
    (endpoint->percent ? eki_percent : eki_number)(endpoint->threshold, number);
    (endpoint->percent ? eki_percent : eki_number)(endpoint->expected, expected);
    if (endpoint->relation == EKS_WITHIN)
        snprintf(text, 80, "%.30s ± %.30s", expected, number);
    else
        snprintf(text, 80, "%s %s", signs[endpoint->relation], number);
}
