/* norms.c: the word of --norm. */
#include "norms.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

/* The name of a kind, "none" for 0, or NULL. */
static const char *name_of(int kind) { return kind == 0 ? "none" : ek_norm_kind_name((ek_norm_kind)kind); }

static const char *suggestion(const char *text) {
    const char *names[32];
    int count = 0;
    while (count < 32 && (names[count] = name_of(count)) != NULL) count++;
    return suggest(text, names, (size_t)count);
}

ek_status norm_groups(const char *text, ek_error *err) {
    return fail(err, EK_ERR_ARG, "--norm: '%s': the number of groups, from 1 to 1000000, is expected after the colon",
                text);
}

ek_status norm_parse(const char *text, ek_build_options *build, ek_error *err) {
    size_t length = strcspn(text, ":");
    if (strcmp(text, "renorm") == 0)
        return fail(err, EK_ERR_UNSUPPORTED, "--norm renorm: this build has no batch renormalization yet");
    for (int kind = 0; name_of(kind) != NULL; kind++) {
        if (strlen(name_of(kind)) != length || strncmp(name_of(kind), text, length) != 0) continue;
        build->norm = (ek_norm_kind)kind;
        if (text[length] == 0) return EK_OK;
        char *end = NULL;
        long groups = strtol(text + length + 1, &end, 10);
        if (build->norm != EK_NORM_GROUP) break;
        if (end == text + length + 1 || *end != 0 || groups < 1 || groups > 1000000) return norm_groups(text, err);
        build->groups = groups;
        return EK_OK;
    }
    const char *near = suggestion(text);
    return fail(err, EK_ERR_ARG, "--norm: '%s' is none of batch, layer, group:G, instance, rms, none%s%s%s", text,
                near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}
