/* save.c: a page or a report is written into memory, and from there to its file, whole. */
#include "report/whole.h"
#include "study/write.h"

#include <evenkeel/files.h>
#include <stdlib.h>

ek_status eks_save(const char *path, const eks_study *study, int (*write)(FILE *out, const eks_study *study),
                   ek_error *err) {
    eki_whole whole;
    FILE *out = eki_whole_open(&whole);
    int good = out != NULL && write(out, study);
    good = out != NULL && eki_whole_close(&whole, out) && good;
    ek_status status = good ? ek_file_replace(path, whole.text, whole.size, err)
                            : eks_fail(err, EK_ERR_NOMEM, "out of memory for %s", path);
    free(whole.text);
    return status;
}
