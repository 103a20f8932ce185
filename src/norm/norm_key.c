/* norm_key.c: keys of plans, and in what two of them differ. */
#include "norm/norm_key.h"

#include "norm/kinds.h"
#include "norm/norm_plan.h"

#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(eki_norm_key) == 12 * 4 + (2 + EK_NORM_MAX_RANK) * 8 + 8, "a key has no padding");

eki_norm_key eki_norm_key_of(const ek_norm_desc *d) {
    eki_norm_key key;
    memset(&key, 0, sizeof key);
    key.kind = (int32_t)d->kind;
    key.layout = (int32_t)d->layout;
    key.dtype = (int32_t)d->dtype;
    key.rank = d->rank;
    key.axis = d->axis;
    key.affine = (int32_t)d->affine;
    key.small_sample = (int32_t)d->small_sample;
    key.renorm = d->renorm_r_max > 0;
    key.masked = d->masked;
    key.activation = (int32_t)d->activation;
    key.residual = d->residual;
    key.groups = d->groups;
    key.ghost = d->ghost;
    for (int i = 0; i < d->rank; i++) key.dims[i] = d->dims[i];
    key.epsilon = d->epsilon;
    return key;
}

static const char *dims_of(const eki_norm_key *key, char text[EKI_DIMS_TEXT]) {
    ek_norm_desc desc = {.rank = key->rank};
    memcpy(desc.dims, key->dims, sizeof desc.dims);
    return eki_dims_text(&desc, text);
}

const char *eki_norm_key_difference(const eki_norm_key *saved, const eki_norm_key *plan, char text[EKI_KEY_TEXT]) {
    const struct {
        const char *name;
        int64_t found, expected;
    } fields[] = {{"layout", saved->layout, plan->layout},
                  {"dtype", saved->dtype, plan->dtype},
                  {"axis", saved->axis, plan->axis},
                  {"groups", saved->groups, plan->groups},
                  {"affine", saved->affine, plan->affine},
                  {"small_sample", saved->small_sample, plan->small_sample},
                  {"ghost", saved->ghost, plan->ghost},
                  {"masked", saved->masked, plan->masked},
                  {"activation", saved->activation, plan->activation},
                  {"residual", saved->residual, plan->residual}};
    char a[EKI_DIMS_TEXT], b[EKI_DIMS_TEXT];
    if (saved->kind != plan->kind) {
        snprintf(text, EKI_KEY_TEXT, "it is of %s, the plan of %s", eki_norm_kind_name((ek_norm_kind)saved->kind),
                 eki_norm_kind_name((ek_norm_kind)plan->kind));
        return text;
    }
    if (saved->rank != plan->rank || memcmp(saved->dims, plan->dims, sizeof plan->dims) != 0) {
        snprintf(text, EKI_KEY_TEXT, "its desc.dims are %s, the plan's are %s", dims_of(saved, a), dims_of(plan, b));
        return text;
    }
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].found == fields[i].expected) continue;
        snprintf(text, EKI_KEY_TEXT, "its desc.%s is %lld, the plan's is %lld", fields[i].name,
                 (long long)fields[i].found, (long long)fields[i].expected);
        return text;
    }
    if (saved->renorm != plan->renorm) {
        snprintf(text, EKI_KEY_TEXT, "it is %s batch renorm (desc.renorm_r_max), the plan %s",
                 saved->renorm ? "with" : "without", plan->renorm ? "with it" : "without");
        return text;
    }
    snprintf(text, EKI_KEY_TEXT, "its desc.epsilon is %.9g, the plan's is %.9g", saved->epsilon, plan->epsilon);
    return text;
}
