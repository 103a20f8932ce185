/* print.h: text with values in it, where values may come from files.
 *
 * The formats are those of printf that the tool uses. A text among the values (%s) is shown by ek_text_show: no name in
 * a file steers a terminal or makes up a line. Everything that the tool prints for people goes through here.
 */
#ifndef EK_TOOL_PRINT_H
#define EK_TOOL_PRINT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#if defined(__GNUC__)
#define PRINTS(at, first) __attribute__((format(printf, at, first)))
#else
#define PRINTS(at, first)
#endif

PRINTS(1, 2) void print(const char *format, ...); /* on standard output */
PRINTS(2, 0) void print_list(FILE *file, const char *format, va_list list);
/* Into `text`, cut where it ends; the length that it would have. */
PRINTS(3, 0) size_t print_text(char *text, size_t room, const char *format, va_list list);

#endif
