/* budget.c: --memory, a number of bytes or of K, M, G or T (powers of 1024), or of `train` a word. */
#include "budget.h"

#include "message.h"

#include <ctype.h>
#include <errno.h>
#include <evenkeel/memory.h>
#include <stdlib.h>
#include <string.h>

ek_memory_use budget_use(const arguments *args) {
    const char *text = option_text(args, "memory");
    if (text != NULL && strcmp(text, "least") == 0) return EK_MEMORY_LEAST;
    return text != NULL && strcmp(text, "fastest") == 0 ? EK_MEMORY_FASTEST : EK_MEMORY_FIT;
}

static int knows_words(const command *cmd) {
    const option *o = cmd->options;
    while (o->name != NULL && strcmp(o->name, "memory") != 0) o++;
    return o->name != NULL && strchr(o->argument, '|') != NULL;
}

ek_status budget_set(const arguments *args, ek_error *err) {
    static const char units[] = "KMGT";
    const char *text = option_text(args, "memory");
    int words = knows_words(args->command);
    if (text == NULL || (words && budget_use(args) != EK_MEMORY_FIT)) return EK_OK;
    char *end = NULL;
    errno = 0;
    unsigned long long bytes = strtoull(text, &end, 10);
    const char *unit = *end != 0 ? strchr(units, toupper((unsigned char)*end)) : NULL;
    for (const char *u = units; unit != NULL && u <= unit; u++)
        if (__builtin_mul_overflow(bytes, 1024, &bytes)) errno = ERANGE;
    if (!isdigit((unsigned char)*text) || errno != 0 || bytes == 0 || strlen(end) != (unit != NULL))
        return fail(err, EK_ERR_ARG, "--memory '%s': expected a number of bytes above 0, as 800M or 2G%s", text,
                    words ? ", or least or fastest" : "");
    ek_memory_allow(bytes);
    return EK_OK;
}
