/* save.c: replacing a file whole. */
#include "study/write.h"

#include "report/file_out.h"

#include <errno.h>
#include <string.h>

typedef struct job {
    const eks_study *study;
    int (*write)(FILE *out, const eks_study *study);
} job;

static int write_job(FILE *out, const void *context) {
    const job *j = context;
    return j->write(out, j->study);
}

ek_status eks_save(const char *path, const eks_study *study, int (*write)(FILE *out, const eks_study *study),
                   ek_error *err) {
    job j = {study, write};
    const char *failed = eki_save(path, write_job, &j);
    return failed ? eks_fail(err, EK_ERR_IO, "cannot %s %s: %s", failed, path, strerror(errno)) : EK_OK;
}
