/* bench_shape.c: reads a case: "KIND EXTENTxEXTENT... [groups=G]". */
#include "bench/bench_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static ek_status bad(const char *text, ek_error *err) {
    return ekb_fail(err, EK_ERR_ARG,
                    "shape '%.100s': expected a kind and extents, such as 'batch 16x64x56x56' or "
                    "'group 16x256x28x28 groups=32'",
                    text);
}

static const char *skip_spaces(const char *at) { return at + strspn(at, " \t\r\n"); }

static const char *take_kind(const char *at, ek_norm_kind *kind) {
    const char *name;
    for (*kind = (ek_norm_kind)1; (name = ek_norm_kind_name(*kind)) != NULL; *kind = (ek_norm_kind)(*kind + 1)) {
        size_t length = strlen(name);
        if (strncmp(at, name, length) == 0 && strspn(at + length, " \t") > 0) return skip_spaces(at + length);
    }
    return NULL;
}

/* A number from 1 to 2^31; NULL = none there. */
static const char *take_number(const char *at, int64_t *value) {
    char *end;
    if (*at < '0' || *at > '9') return NULL;
    errno = 0;
    long long number = strtoll(at, &end, 10);
    if (errno != 0 || number < 1 || number > (1LL << 31)) return NULL;
    *value = number;
    return end;
}

ek_status ek_bench_shape_parse(const char *text, ek_bench_shape *shape, ek_error *err) {
    if (text == NULL || shape == NULL) return ekb_fail(err, EK_ERR_ARG, "text or shape is NULL");
    *shape = (ek_bench_shape){.groups = 1};
    const char *at = take_kind(skip_spaces(text), &shape->kind);
    while (at != NULL && shape->rank < EK_NORM_MAX_RANK) {
        at = take_number(at, &shape->dims[shape->rank++]);
        if (at == NULL || *at != 'x') break;
        at++;
    }
    if (at == NULL) return bad(text, err);
    at = skip_spaces(at);
    if (strncmp(at, "groups=", 7) == 0 && shape->kind == EK_NORM_GROUP) at = take_number(at + 7, &shape->groups);
    if (at == NULL || *skip_spaces(at) != '\0') return bad(text, err);
    return EK_OK;
}
