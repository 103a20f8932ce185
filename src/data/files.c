/* files.c: the public calls of <evenkeel/files.h>. */
#include "base/temporary.h"

#include <errno.h>
#include <evenkeel/files.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void ek_file_abandon(void) { eki_temporary_abandon(); }

static ek_status write_in_place(const char *path, const void *data, size_t size, ek_error *err) {
    FILE *out = fopen(path, "we");
    if (out == NULL) return eki_fail(err, EK_ERR_IO, "%s: cannot open for writing: %s", path, strerror(errno));
    bool good = fwrite(data, 1, size, out) == size;
    good = fclose(out) == 0 && good;
    return good ? EK_OK : eki_fail(err, EK_ERR_IO, "%s: writing failed: %s", path, strerror(errno));
}

ek_status ek_file_replace(const char *path, const void *data, size_t size, ek_error *err) {
    EKI_GIVEN(path, err);
    EKI_GIVEN(data, err);
    struct stat info;
    bool stream = stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
    if (stream) return write_in_place(path, data, size, err);
    eki_writer *writer;
    EKI_TRY(eki_writer_open(path, &writer, err));
    ek_status status = eki_writer_put(writer, data, size, err);
    if (status == EK_OK) return eki_writer_commit(writer, err);
    eki_writer_discard(writer);
    return status;
}

ek_status ek_file_check(const char *path, ek_error *err) {
    EKI_GIVEN(path, err);
    eki_writer *writer;
    EKI_TRY(eki_writer_open(path, &writer, err));
    eki_writer_discard(writer);
    return EK_OK;
}
