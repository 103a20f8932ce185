/* ops.c: questions to the table of operators. */
#include "ops/ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct row {
    const char *name;
    uint32_t traits;
    const char *opsets, *changes;
} row;

static const row rows[EKI_OPS] = {
    [EKI_OP_NONE] = {"", 0, "", ""},
#define EKI_OP(name, traits, opsets, changes) [EKI_OP_##name] = {#name, traits, opsets, changes},
#include "ops/ops.def"
};

eki_opcode eki_op_code(const char *name, const char *domain) {
    if (domain[0] != '\0' && strcmp(domain, "ai.onnx") != 0) return EKI_OP_NONE;
    for (int code = 1; code < EKI_OPS; code++) {
        if (strcmp(rows[code].name, name) == 0) return (eki_opcode)code;
    }
    return EKI_OP_NONE;
}

const char *eki_op_name(eki_opcode code) { return rows[code].name; }

bool eki_op_has(eki_opcode code, uint32_t traits) { return (rows[code].traits & traits) != 0; }

int64_t eki_op_since(eki_opcode code) { return atoi(rows[code].opsets); }

int64_t eki_op_next_change(eki_opcode code, int64_t opset) {
    const char *at = rows[code].opsets;
    while (*at != '\0') {
        char *end;
        long version = strtol(at, &end, 10);
        if (*end == '!' && version > opset) return version;
        at = end + strspn(end, "! ");
    }
    return 0;
}

const char *eki_op_change(eki_opcode code, int64_t opset, char text[96]) {
    const char *at = rows[code].changes;
    text[0] = '\0';
    while (*at != '\0') {
        char *words;
        long version = strtol(at, &words, 10);
        size_t length = strcspn(words, ";");
        if (version == opset) (void)snprintf(text, 96, "%.*s", (int)length - 2, words + 2);
        at = words + length + strspn(words + length, "; ");
    }
    return text;
}

eki_contrib eki_contrib_code(const char *name, const char *domain) {
    static const struct {
        const char *name, *domain;
        eki_contrib code;
    } contribs[] = {
#define EKI_CONTRIB(name, domain) {#name, domain, EKI_CONTRIB_##name},
#include "ops/contrib.def"
    };
    for (size_t i = 0; i < sizeof contribs / sizeof *contribs; i++) {
        if (strcmp(contribs[i].name, name) == 0 && strcmp(contribs[i].domain, domain) == 0) return contribs[i].code;
    }
    return EKI_CONTRIB_NONE;
}
