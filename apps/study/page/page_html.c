/* page_html.c: helpers for HTML. */
#include "study/page/page.h"

#include <stdarg.h>

void eks_put(FILE *out, const char *open, const char *text, const char *close) {
    fputs(open, out);
    eks_escaped(out, text);
    fputs(close, out);
}

void eks_putf(FILE *out, const char *close, const char *fmt, ...) {
    char text[512];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    eks_escaped(out, text);
    fputs(close, out);
}

const char *eks_level_class(eks_level level) {
    static const char *const names[] = {"easy", "medium", "hard"};
    return names[level];
}
