/* norms.c: the word of --norm. */
#include "norms.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int kind;
} kinds[] = {{"batch", EK_NORM_BATCH},       {"layer", EK_NORM_LAYER}, {"group", EK_NORM_GROUP},
             {"instance", EK_NORM_INSTANCE}, {"rms", EK_NORM_RMS},     {"none", 0}};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

ek_status norm_groups(const char *text, ek_error *err) {
    return fail(err, EK_ERR_ARG, "--norm: '%s': the number of groups, from 1 to 1000000, is expected after the colon",
                text);
}

ek_status norm_parse(const char *text, ek_build_options *build, ek_error *err) {
    const char *names[KINDS];
    size_t length = strcspn(text, ":");
    if (strcmp(text, "renorm") == 0)
        return fail(err, EK_ERR_UNSUPPORTED, "--norm renorm: this build has no batch renormalization yet");
    for (size_t i = 0; i < KINDS; i++) {
        if (strlen(kinds[i].name) != length || strncmp(kinds[i].name, text, length) != 0) continue;
        build->norm = (ek_norm_kind)kinds[i].kind;
        if (text[length] == 0) return EK_OK;
        char *end = NULL;
        long groups = strtol(text + length + 1, &end, 10);
        if (build->norm != EK_NORM_GROUP) break;
        if (end == text + length + 1 || *end != 0 || groups < 1 || groups > 1000000) return norm_groups(text, err);
        build->groups = groups;
        return EK_OK;
    }
    for (size_t i = 0; i < KINDS; i++) names[i] = kinds[i].name;
    const char *near = suggest(text, names, KINDS);
    return fail(err, EK_ERR_ARG, "--norm: '%s' is none of batch, layer, group:G, instance, rms, none%s%s%s", text,
                near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}
