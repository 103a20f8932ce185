/* whole.h: a stream into memory that knows whether memory ended: what it holds is whole, or not there. */
#ifndef EKI_WHOLE_H
#define EKI_WHOLE_H

#include <stdio.h>

typedef struct eki_whole {
    char *text; /* after closing; NUL behind it; the caller's to free */
    size_t size, room;
    int ended; /* memory did */
} eki_whole;

FILE *eki_whole_open(eki_whole *whole);            /* NULL = out of memory */
int eki_whole_close(eki_whole *whole, FILE *file); /* 0 = memory ended; then there is no text */

#endif
