/* kinds.c: the table of kinds. */
#include "norm/kinds.h"

enum { UNCENTRED, CENTRED };

static const eki_kind rows[] = {
#define EKI_NORM_KIND(enumerator, name, label, share, centred, ...)                                                    \
    {EK_NORM_##enumerator, #enumerator, name, label, EKI_SHARE_##share, centred, {__VA_ARGS__}},
#include "norm/kinds.def"
#undef EKI_NORM_KIND
};
enum { KINDS = sizeof rows / sizeof rows[0] };

/* Rows lie in the order of the enumerators, from 1. */
enum {
    BEFORE,
#define EKI_NORM_KIND(enumerator, ...) ROW_##enumerator,
#include "norm/kinds.def"
#undef EKI_NORM_KIND
};
#define EKI_NORM_KIND(enumerator, ...)                                                                                 \
    _Static_assert((int)ROW_##enumerator == (int)EK_NORM_##enumerator, "kinds.def: not in the order of ek_norm_kind");
#include "norm/kinds.def"
#undef EKI_NORM_KIND

const eki_kind *eki_kind_of(ek_norm_kind kind) { return (int)kind >= 1 && (int)kind <= KINDS ? &rows[kind - 1] : NULL; }

const eki_kind *eki_kind_last(void) { return &rows[KINDS - 1]; }

const char *eki_norm_kind_name(ek_norm_kind kind) {
    const eki_kind *row = eki_kind_of(kind);
    return row != NULL ? row->label : "norm";
}

const char *ek_norm_kind_name(ek_norm_kind kind) {
    const eki_kind *row = eki_kind_of(kind);
    return row != NULL ? row->name : NULL;
}

int ek_norm_kind_over_axes(ek_norm_kind kind) {
    const eki_kind *row = eki_kind_of(kind);
    return row != NULL && row->share == EKI_SHARE_AXES;
}
