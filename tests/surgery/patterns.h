/* patterns.h: graphs with a norm to fold, each with a twin that must be refused. */
#ifndef SURGERY_PATTERNS_H
#define SURGERY_PATTERNS_H

#include "net.h"

typedef struct pattern {
    const char *name;
    ek_model *(*build)(bool twin);
    size_t norms_left; /* after folding */
    const char *norm;  /* the one that the twin keeps */
    const char *why;   /* its reason, in part */
} pattern;

extern const pattern patterns_after[], patterns_before[], patterns_more[],
    patterns_constants[]; /* end in a NULL name */

#endif
