/* error.c: status names and error text. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *ek_status_name(ek_status status) {
    switch (status) {
    case EK_OK: return "EK_OK";
    case EK_ERR_ARG: return "EK_ERR_ARG";
    case EK_ERR_SHAPE: return "EK_ERR_SHAPE";
    case EK_ERR_DTYPE: return "EK_ERR_DTYPE";
    case EK_ERR_NOMEM: return "EK_ERR_NOMEM";
    case EK_ERR_IO: return "EK_ERR_IO";
    case EK_ERR_FORMAT: return "EK_ERR_FORMAT";
    case EK_ERR_UNSUPPORTED: return "EK_ERR_UNSUPPORTED";
    case EK_ERR_LIMIT: return "EK_ERR_LIMIT";
    case EK_ERR_NONFINITE: return "EK_ERR_NONFINITE";
    case EK_ERR_STATE: return "EK_ERR_STATE";
    case EK_ERR_DIST: return "EK_ERR_DIST";
    case EK_ERR_INTERRUPTED: return "EK_ERR_INTERRUPTED";
    case EK_ERR_CHECK: return "EK_ERR_CHECK";
    }
    return "EK_ERR_UNKNOWN";
}

/* Text with names out of files in it: cut between characters where it is too long. */
static void write_shown(ek_error *err, const char *fmt, va_list args) {
    char text[EK_ERROR_TEXT];
    int whole = vsnprintf(text, sizeof text, fmt, args);
    size_t length = whole < 0 ? 0 : strnlen(text, sizeof text);
    if (whole >= (int)sizeof text) {
        while (length > 0 && ((unsigned char)text[length - 1] & 0xc0) == 0x80) length--;
        length -= length > 0 && (unsigned char)text[length - 1] >= 0xc0;
    }
    (void)ek_text_show(text, length, err->text, sizeof err->text);
}

ek_status eki_fail(ek_error *err, ek_status status, const char *fmt, ...) {
    if (err != NULL) {
        va_list args;
        va_start(args, fmt);
        err->status = status;
        write_shown(err, fmt, args);
        va_end(args);
    }
    return status;
}

ek_status eki_error_prefix(ek_error *err, ek_status status, const char *fmt, ...) {
    if (err != NULL && status != EK_OK) {
        char rest[EK_ERROR_TEXT];
        memcpy(rest, err->text, sizeof rest);
        rest[sizeof rest - 1] = '\0';
        va_list args;
        va_start(args, fmt);
        write_shown(err, fmt, args);
        va_end(args);
        size_t used = strlen(err->text), room = sizeof err->text - used;
        (void)snprintf(err->text + used, room, ": %.*s", (int)(room > 3 ? room - 3 : 0), rest);
    }
    return status;
}

ek_status eki_fail_nomem(ek_error *err, unsigned long long bytes) {
    return eki_fail(err, EK_ERR_NOMEM, "out of memory: could not allocate %llu bytes", bytes);
}
