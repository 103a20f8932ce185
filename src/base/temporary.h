/* temporary.h: the file beside a target that takes its place when it is complete.
 *
 * It is called TARGET.tmp-N and is locked (flock) while its writer lives, so that one which can be locked is left over
 * from a process that was killed: whoever writes TARGET next removes it. Those of this process are also removed by
 * eki_temporary_abandon, which signal handlers may call.
 */
#ifndef EKI_TEMPORARY_H
#define EKI_TEMPORARY_H

#include "base/file.h"

typedef struct eki_temporary {
    int fd; /* -1 = none */
    char *path;
} eki_temporary;

ek_status eki_temporary_open(const char *target, eki_temporary *temporary, ek_error *err);

/* It has its target's name: closing no longer removes it. */
void eki_temporary_renamed(eki_temporary *temporary);
void eki_temporary_close(eki_temporary *temporary);

void eki_temporary_abandon(void);

#endif
