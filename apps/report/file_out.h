/* file_out.h: replacing a file whole. */
#ifndef EKI_FILE_OUT_H
#define EKI_FILE_OUT_H

#include <stdio.h>

/* Replaces `path` by what `write` produces (0 = it failed): written beside, flushed to disk, renamed over it, so that a
 * reader sees the old file or the new one, also when the machine stops in between. A path that exists and is no regular
 * file (a pipe, /dev/stdout) is written in place. Returns NULL, or what could not be done ("write"); errno says why. */
const char *eki_save(const char *path, int (*write)(FILE *out, const void *context), const void *context);

#endif
