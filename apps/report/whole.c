/* whole.c: see whole.h. A stream of open_memstream goes on after memory ended and leaves a gap. */
#define _GNU_SOURCE /* fopencookie */
#include "report/whole.h"

#include <stdlib.h>
#include <string.h>

static ssize_t add(void *context, const char *data, size_t size) {
    eki_whole *w = context;
    while (!w->ended && w->size + size >= w->room) {
        size_t room = w->room + w->room;
        char *grown = room > w->room ? realloc(w->text, room) : NULL;
        w->ended = grown == NULL;
        if (grown != NULL) w->text = grown;
        if (grown != NULL) w->room = room;
    }
    if (w->ended) return 0;
    memcpy(w->text + w->size, data, size);
    w->size += size;
    w->text[w->size] = 0;
    return (ssize_t)size;
}

FILE *eki_whole_open(eki_whole *whole) {
    *whole = (eki_whole){.text = calloc(1, 4096), .room = 4096};
    FILE *file = whole->text == NULL ? NULL : fopencookie(whole, "w", (cookie_io_functions_t){.write = add});
    if (file == NULL) {
        free(whole->text);
        whole->text = NULL;
    }
    return file;
}

int eki_whole_close(eki_whole *whole, FILE *file) {
    int good = !ferror(file);
    good = fclose(file) == 0 && good && !whole->ended;
    if (good) return 1;
    free(whole->text);
    whole->text = NULL;
    return 0;
}
