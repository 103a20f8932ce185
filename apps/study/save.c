/* save.c: replacing a file whole: written under a temporary name beside it, flushed to disk, renamed over it.
 *
 * A reader sees the old file or the new one, also when the machine stops in between. A path that exists and is no
 * regular file (a pipe, /dev/stdout) is written in place, since it cannot be renamed over.
 */
#include "study/write.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ek_status io_error(const char *what, const char *path, ek_error *err) {
    return eks_fail(err, EK_ERR_IO, "cannot %s %s: %s", what, path, strerror(errno));
}

/* Makes the rename durable; failing to do so is no error of the caller. */
static void sync_folder(const char *path) {
    char *copy = malloc(strlen(path) + 1);
    if (!copy) return;
    strcpy(copy, path);
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY);
    if (folder >= 0) {
        fsync(folder);
        close(folder);
    }
    free(copy);
}

static ek_status write_beside(const char *path, char *beside, const eks_study *study,
                              int (*write)(FILE *, const eks_study *), ek_error *err) {
    int file = mkstemp(beside);
    if (file < 0) return io_error("create a file beside", path, err);
    mode_t mask = umask(0);
    umask(mask);
    FILE *out = fchmod(file, 0666 & ~mask) == 0 ? fdopen(file, "w") : NULL;
    int good = out && write(out, study) && fflush(out) == 0 && !ferror(out) && fsync(file) == 0;
    int saved = errno;
    if (out)
        good = fclose(out) == 0 && good;
    else
        close(file);
    if (good && rename(beside, path) == 0) {
        sync_folder(path);
        return EK_OK;
    }
    if (!good) errno = saved;
    ek_status status = io_error("write", path, err);
    unlink(beside);
    return status;
}

ek_status eks_save(const char *path, const eks_study *study, int (*write)(FILE *out, const eks_study *study),
                   ek_error *err) {
    struct stat existing;
    if (stat(path, &existing) == 0 && !S_ISREG(existing.st_mode)) {
        FILE *out = fopen(path, "w");
        if (!out) return io_error("open", path, err);
        int good = write(out, study) && fflush(out) == 0 && !ferror(out);
        good = fclose(out) == 0 && good;
        return good ? EK_OK : io_error("write", path, err);
    }
    char *beside = malloc(strlen(path) + 8);
    if (!beside) return eks_fail(err, EK_ERR_NOMEM, "out of memory for a file name");
    sprintf(beside, "%s.XXXXXX", path);
    ek_status status = write_beside(path, beside, study, write, err);
    free(beside);
    return status;
}
