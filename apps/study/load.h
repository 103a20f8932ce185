/* load.h: results read back from JSON, and compared with what follows from their own measurements. */
#ifndef EKS_LOAD_H
#define EKS_LOAD_H

#include "study/seam.h"

#include <evenkeel/cpu.h>
#include <evenkeel/version.h>

#include <jansson.h>
#include <stdio.h>

/* Takes over the evidence of a file that the same version wrote with the same options; 0 = there is none such. */
int eks_load_same_run(eks_study *study, const char *path);

/* ---- parts of it ---- */
ek_status eks_parse_results(const char *path, const char *text, size_t size, json_t **root, ek_error *err);
void eks_load_options(eks_study *study, const json_t *root);
void eks_load_cards(eks_study *study, const json_t *root);
void eks_load_evidence(eks_study *study, const eks_design *design, const json_t *evidence);
void eks_kept_free(eks_study *study);

/* ---- verify.c ---- */
typedef struct eks_listener {
    void *context;
    void (*say)(void *context, const char *text);
    int count; /* of what was said */
} eks_listener;

/* Tells every value of `there` that is not as in `here`, but the times; `where` names the place. */
void eks_compare(json_t *there, json_t *here, const char *where, eks_listener *listener);
/* One card's object of a file against what its measurements give. */
void eks_verify_card(eks_study *study, json_t *card, eks_listener *listener);
/* All of a file: what its cards measured, and what the whole says of them. */
void eks_verify_results(eks_study *study, json_t *root, eks_listener *listener);
/* A file of results, or a page (.html), which has them in it and is compared whole. */
ek_status eks_verify(eks_study *study, const char *path, int *checked, int *wrong, void *context,
                     void (*say)(void *context, const char *text), ek_error *err);

#endif
