/* kinds.h: what sets a kind of norm apart: the rows of kinds.def. */
#ifndef EKI_NORM_KINDS_H
#define EKI_NORM_KINDS_H

#include <evenkeel/norm.h>
#include <stdbool.h>

typedef enum eki_share { EKI_SHARE_BATCH, EKI_SHARE_GROUPS, EKI_SHARE_EACH, EKI_SHARE_AXES } eki_share;

enum { EKI_PRESETS = EK_PRESET_TF_FUSED + 1 };

typedef struct eki_kind {
    ek_norm_kind kind;
    const char *enumerator, *name, *label; /* "BATCH", "batch", "batch norm" */
    eki_share share;
    bool centred;
    double epsilon[EKI_PRESETS];
} eki_kind;

/* The row of a kind, or NULL; and the last one. */
const eki_kind *eki_kind_of(ek_norm_kind kind);
const eki_kind *eki_kind_last(void);

/* "batch norm"; "norm" where there is no such kind. */
const char *eki_norm_kind_name(ek_norm_kind kind);

#endif
