/* save.c: a page or a report is written into memory, and from there to its file, whole. */
#include "study/write.h"

#include <evenkeel/files.h>
#include <stdlib.h>

ek_status eks_save(const char *path, const eks_study *study, int (*write)(FILE *out, const eks_study *study),
                   ek_error *err) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return eks_fail(err, EK_ERR_NOMEM, "out of memory for %s", path);
    int good = write(out, study) && !ferror(out);
    good = fclose(out) == 0 && good;
    ek_status status =
        good ? ek_file_replace(path, text, size, err) : eks_fail(err, EK_ERR_NOMEM, "out of memory for %s", path);
    free(text);
    return status;
}
