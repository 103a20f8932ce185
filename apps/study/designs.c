/* designs.c: the experiments of designs.def. */
#include "study/study.h"

#include "study/card.h"
#include "study/seam.h"

#include <stddef.h>

const eks_design *const eks_designs[] = {
#define EKS_CARD(design) &design,
#define EKS_EXTRA(design) &design,
#include "study/designs.def"
#undef EKS_CARD
#undef EKS_EXTRA
    NULL};

const eks_design *eks_design_of(int number) {
    for (int i = 0; eks_designs[i]; i++)
        if (eks_designs[i]->number == number) return eks_designs[i];
    return NULL;
}

const char *eks_level_text(const eks_study *study) {
    static const char *const levels[] = {"quick", "default", "full"};
    return levels[study->level];
}
