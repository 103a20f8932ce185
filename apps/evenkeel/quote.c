/* quote.c: a word as a shell takes it, for the commands that messages offer. */
#include "message.h"

#include <stdio.h>
#include <string.h>

enum { TEXTS = 4, LONGEST = 8192 };

static int is_plain(const char *word) {
    static const char harmless[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./,:=@%+-";
    return word[0] != '\0' && word[strspn(word, harmless)] == '\0';
}

const char *quoted(const char *word) {
    static char texts[TEXTS][LONGEST];
    static int next;
    if (is_plain(word) || 4 * strlen(word) + 3 > LONGEST) return word;
    char *text = texts[next++ % TEXTS], *end = text;
    *end++ = '\'';
    for (const char *s = word; *s != '\0'; s++) {
        if (*s == '\'')
            end += sprintf(end, "'\\''");
        else
            *end++ = *s;
    }
    memcpy(end, "'", 2);
    return text;
}
