/* writer.c: atomic replacement of files, over POSIX calls.
 *
 * After a failed write or fsync nothing is retried: pages may already count as clean. The temporary is removed and the
 * target stays what it was.
 */
#include "base/memory.h"
#include "base/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITE_BUFFER = 1 << 16 };

struct eki_writer {
    char *target;
    eki_temporary temporary;
    size_t buffered;
    uint64_t size;
    uint32_t crc;
    unsigned char buffer[WRITE_BUFFER];
};

static ek_status fail_write(const eki_writer *writer, const char *what, ek_error *err) {
    return eki_fail(err, EK_ERR_IO, "%s: %s failed: %s; nothing was changed, free space or choose another place",
                    writer->target, what, strerror(errno));
}

static ek_status begin(eki_writer *writer, const char *path, ek_error *err) {
    struct stat info;
    writer->target = eki_alloc(eki_sized(strlen(path) + 1));
    if (writer->target == NULL) return eki_fail_nomem(err, strlen(path) + 1);
    strcpy(writer->target, path);
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        return eki_fail(err, EK_ERR_IO, "cannot write %s: it is %s", path,
                        S_ISDIR(info.st_mode) ? "a folder" : "not a regular file");
    }
    return eki_temporary_open(path, &writer->temporary, err);
}

ek_status eki_writer_open(const char *path, eki_writer **out, ek_error *err) {
    *out = NULL;
    eki_writer *writer = eki_calloc(1, sizeof *writer);
    if (writer == NULL) return eki_fail_nomem(err, sizeof *writer);
    writer->temporary.fd = -1;
    ek_status status = begin(writer, path, err);
    if (status == EK_OK) {
        *out = writer;
    } else {
        eki_writer_discard(writer);
    }
    return status;
}

static ek_status write_all(eki_writer *writer, const unsigned char *data, size_t bytes, ek_error *err) {
    while (bytes > 0) {
        ssize_t done = write(writer->temporary.fd, data, bytes);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return fail_write(writer, "writing", err);
        data += done;
        bytes -= (size_t)done;
    }
    return EK_OK;
}

static ek_status flush_buffer(eki_writer *writer, ek_error *err) {
    size_t bytes = writer->buffered;
    writer->buffered = 0;
    return write_all(writer, writer->buffer, bytes, err);
}

ek_status eki_writer_put(eki_writer *writer, const void *data, size_t bytes, ek_error *err) {
    writer->crc = eki_crc32c(writer->crc, data, bytes);
    writer->size += bytes;
    if (writer->buffered + bytes > WRITE_BUFFER) EKI_TRY(flush_buffer(writer, err));
    if (bytes >= WRITE_BUFFER) return write_all(writer, data, bytes, err);
    if (bytes > 0) memcpy(writer->buffer + writer->buffered, data, bytes);
    writer->buffered += bytes;
    return EK_OK;
}

uint64_t eki_writer_size(const eki_writer *writer) { return writer->size; }
uint32_t eki_writer_crc(const eki_writer *writer) { return writer->crc; }

ek_status eki_writer_sync(eki_writer *writer, ek_error *err) {
    EKI_TRY(flush_buffer(writer, err));
    if (fsync(writer->temporary.fd) != 0) return fail_write(writer, "fsync", err);
    return EK_OK;
}

/* Makes the rename itself durable. Some file systems cannot fsync a folder; the rename is still atomic there. */
static void sync_folder(const char *path) {
    char *copy = eki_alloc(eki_sized(strlen(path) + 1));
    if (copy == NULL) return;
    strcpy(copy, path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(copy);
}

/* The file stays open, and locked, until it has its name. */
ek_status eki_writer_commit(eki_writer *writer, ek_error *err) {
    ek_status status = eki_writer_sync(writer, err);
    if (status == EK_OK && rename(writer->temporary.path, writer->target) != 0) {
        status = fail_write(writer, "renaming", err);
    }
    if (status == EK_OK) {
        eki_temporary_renamed(&writer->temporary);
        sync_folder(writer->target);
    }
    eki_writer_discard(writer);
    return status;
}

void eki_writer_discard(eki_writer *writer) {
    if (writer == NULL) return;
    eki_temporary_close(&writer->temporary);
    free(writer->target);
    free(writer);
}
