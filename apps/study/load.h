/* load.h: results read back from JSON. */
#ifndef EKS_LOAD_H
#define EKS_LOAD_H

#include "study/seam.h"

#include <evenkeel/cpu.h>
#include <evenkeel/version.h>

#include <stdio.h>

/* Takes over the evidence of a file that the same version wrote with the same options; 0 = there is none such. */
int eks_load_same_run(eks_study *study, const char *path);

/* Judges the numbers of a file anew and compares with what it says: verdicts, readings, rules, values, intervals. Each
 * disagreement is told to `say`. */
ek_status eks_verify(eks_study *study, const char *path, int *checked, int *wrong, void *context,
                     void (*say)(void *context, const char *text), ek_error *err);

void eks_kept_free(eks_study *study);

#endif
