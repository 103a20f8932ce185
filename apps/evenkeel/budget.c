/* budget.c: --memory, a number of bytes or of K, M, G or T (powers of 1024). */
#include "budget.h"

#include "message.h"

#include <ctype.h>
#include <errno.h>
#include <evenkeel/memory.h>
#include <stdlib.h>
#include <string.h>

ek_status budget_set(const arguments *args, ek_error *err) {
    static const char units[] = "KMGT";
    const char *text = option_text(args, "memory");
    if (text == NULL) return EK_OK;
    char *end = NULL;
    errno = 0;
    unsigned long long bytes = strtoull(text, &end, 10);
    const char *unit = *end != 0 ? strchr(units, toupper((unsigned char)*end)) : NULL;
    for (const char *u = units; unit != NULL && u <= unit; u++)
        if (__builtin_mul_overflow(bytes, 1024, &bytes)) errno = ERANGE;
    if (!isdigit((unsigned char)*text) || errno != 0 || bytes == 0 || strlen(end) != (unit != NULL))
        return fail(err, EK_ERR_ARG, "--memory '%s': expected a number of bytes above 0, as 800M or 2G", text);
    ek_memory_allow(bytes);
    return EK_OK;
}
