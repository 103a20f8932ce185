/* file_out.c: replacing a file whole: written under a temporary name beside it, flushed to disk, renamed over it. */
#include "report/file_out.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static const char *write_beside(const char *path, char *beside, int (*write)(FILE *, const void *),
                                const void *context) {
    int file = mkstemp(beside);
    if (file < 0) return "create a file beside";
    mode_t mask = umask(0);
    umask(mask);
    FILE *out = fchmod(file, 0666 & ~mask) == 0 ? fdopen(file, "w") : NULL;
    int good = out && write(out, context) && fflush(out) == 0 && !ferror(out) && fsync(file) == 0;
    int saved = errno;
    if (out)
        good = fclose(out) == 0 && good;
    else
        close(file);
    if (good && rename(beside, path) == 0) {
        sync_folder(path);
        return NULL;
    }
    if (good) saved = errno;
    unlink(beside);
    errno = saved;
    return "write";
}

static const char *write_in_place(const char *path, int (*write)(FILE *, const void *), const void *context) {
    FILE *out = fopen(path, "w");
    if (!out) return "open";
    int good = write(out, context) && fflush(out) == 0 && !ferror(out);
    good = fclose(out) == 0 && good;
    return good ? NULL : "write";
}

const char *eki_save(const char *path, int (*write)(FILE *out, const void *context), const void *context) {
    struct stat existing;
    if (stat(path, &existing) == 0 && !S_ISREG(existing.st_mode)) return write_in_place(path, write, context);
    char *beside = malloc(strlen(path) + 8);
    if (!beside) return "make a name beside";
    sprintf(beside, "%s.XXXXXX", path);
    const char *failed = write_beside(path, beside, write, context);
    free(beside);
    return failed;
}
