/* designs.c: the experiments, in the order of the page. */
#include "study/study.h"

#include "study/card.h"
#include "study/seam.h"

#include <stddef.h>

extern const eks_design eks_card01, eks_card02, eks_card03, eks_card04, eks_card05, eks_card06, eks_card07, eks_card08,
    eks_card09, eks_card10, eks_card11, eks_card12, eks_card13, eks_card14, eks_card15, eks_extra16, eks_extra17,
    eks_extra18, eks_extra19, eks_extra20, eks_extra21;
const eks_design *const eks_designs[] = {
    &eks_card01,  &eks_card02,  &eks_card03,  &eks_card04,  &eks_card05,  &eks_card06, &eks_card07, &eks_card08,
    &eks_card09,  &eks_card10,  &eks_card11,  &eks_card12,  &eks_card13,  &eks_card14, &eks_card15, &eks_extra16,
    &eks_extra17, &eks_extra18, &eks_extra19, &eks_extra20, &eks_extra21, NULL};

const eks_design *eks_design_of(int number) {
    for (int i = 0; eks_designs[i]; i++)
        if (eks_designs[i]->number == number) return eks_designs[i];
    return NULL;
}

const char *eks_level_text(const eks_study *study) {
    static const char *const levels[] = {"quick", "default", "full"};
    return levels[study->level];
}
