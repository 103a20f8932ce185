/* show.h: text out of files, as it is shown to people. */
#ifndef EKI_SHOW_H
#define EKI_SHOW_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the valid UTF-8 sequence at `text` (shortest form, no surrogates, at most U+10FFFF), 0 = there is none. */
size_t eki_utf8_sequence(const unsigned char *text, size_t left);

#endif
