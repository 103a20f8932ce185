/* print.c: see print.h. */
#include "print.h"

#include <evenkeel/status.h>
#include <stdint.h>
#include <string.h>

enum { LONGEST = 1 << 16 }; /* a text among the values, shown */

/* Where it goes: a file, or a text of `room` bytes. */
typedef struct sink {
    FILE *file;
    char *text;
    size_t room, used;
} sink;

static void put(sink *s, const char *text, size_t length) {
    if (s->file != NULL) fwrite(text, 1, length, s->file);
    for (size_t i = 0; s->file == NULL && i < length; i++)
        if (s->used + i + 1 < s->room) s->text[s->used + i] = text[i];
    s->used += length;
}

/* One conversion of a format: "%-*.3lld". */
typedef struct conversion {
    char flags[8];
    int width, precision; /* -1 = none */
    int longs;            /* of l; z counts as 2 */
    char kind;
} conversion;

static int number(const char **at, va_list *list) {
    int value = 0;
    if (**at == '*') {
        ++*at;
        return va_arg(*list, int);
    }
    for (; **at >= '0' && **at <= '9'; ++*at) value = 10 * value + (**at - '0');
    return value;
}

static const char *read_conversion(const char *at, conversion *c, va_list *list) {
    size_t flags = strspn(at, "-+ #0");
    *c = (conversion){.width = -1, .precision = -1};
    memcpy(c->flags, at, flags < sizeof c->flags ? flags : sizeof c->flags - 1);
    at += flags;
    if (*at == '*' || (*at >= '0' && *at <= '9')) c->width = number(&at, list);
    if (*at == '.') {
        at++;
        c->precision = number(&at, list);
    }
    for (; *at == 'l' || *at == 'z'; at++) c->longs += *at == 'z' ? 2 : 1;
    c->kind = *at;
    return at + 1;
}

static void put_text(sink *s, const conversion *c, const char *text) {
    char shown[LONGEST];
    if (text == NULL) text = "(none)";
    size_t length = c->precision >= 0 ? strnlen(text, (size_t)c->precision) : strlen(text);
    ek_text_show(text, length, shown, sizeof shown);
    length = strlen(shown);
    int left = strchr(c->flags, '-') != NULL || c->width < -1;
    size_t width = c->width < -1 ? (size_t)-c->width : c->width > 0 ? (size_t)c->width : 0;
    if (left) put(s, shown, length);
    for (; width > length; width--) put(s, " ", 1);
    if (!left) put(s, shown, length);
}

static void put_value(sink *s, const conversion *c, va_list *list) {
    char form[64], value[512];
    int n = snprintf(form, sizeof form, "%%%s", c->flags);
    if (c->width >= 0) n += snprintf(form + n, sizeof form - (size_t)n, "%d", c->width);
    if (c->precision >= 0) n += snprintf(form + n, sizeof form - (size_t)n, ".%d", c->precision);
    if (strchr("diuxc", c->kind) == NULL) { /* e, f, g */
        snprintf(form + n, sizeof form - (size_t)n, "%c", c->kind);
        n = snprintf(value, sizeof value, form, va_arg(*list, double));
    } else if (c->longs > 0) {
        snprintf(form + n, sizeof form - (size_t)n, "ll%c", c->kind);
        n = snprintf(value, sizeof value, form,
                     c->longs > 1 ? va_arg(*list, long long) : (long long)va_arg(*list, long));
    } else {
        snprintf(form + n, sizeof form - (size_t)n, "%c", c->kind);
        n = snprintf(value, sizeof value, form, va_arg(*list, int));
    }
    put(s, value, n < (int)sizeof value ? (size_t)n : sizeof value - 1);
}

static void run(sink *s, const char *format, va_list given) {
    va_list list;
    va_copy(list, given);
    for (const char *at = format; *at != 0;) {
        size_t plain = strcspn(at, "%");
        put(s, at, plain);
        at += plain;
        if (*at == 0) break;
        conversion c;
        at = read_conversion(at + 1, &c, &list);
        if (c.kind == '%')
            put(s, "%", 1);
        else if (c.kind == 's')
            put_text(s, &c, va_arg(list, const char *));
        else
            put_value(s, &c, &list);
    }
    va_end(list);
}

void print_list(FILE *file, const char *format, va_list list) { run(&(sink){.file = file}, format, list); }

size_t print_text(char *text, size_t room, const char *format, va_list list) {
    sink s = {.text = text, .room = room};
    run(&s, format, list);
    if (room > 0) text[s.used < room ? s.used : room - 1] = 0;
    return s.used;
}

void print(const char *format, ...) {
    va_list list;
    va_start(list, format);
    print_list(stdout, format, list);
    va_end(list);
}
