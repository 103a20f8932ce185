/* source.c: read(2) and zlib's inflate behind one strict reader.
 *
 * gzread would do, but it accepts bytes after the stream and turns a truncated file into a short read on some paths;
 * driving inflate ourselves makes both an error. A gzip file may have several members, as the format allows.
 */
#include "data/source.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { INPUT_BYTES = 1 << 16 };

struct eki_source {
    char *path;
    int fd;
    uint64_t file_size, position; /* position: bytes given out, after decompression */
    bool gzip, inflating, boundary, ended;
    z_stream z;
    unsigned char input[INPUT_BYTES];
};

static ek_status read_fd(eki_source *s, void *to, size_t bytes, size_t *got, ek_error *err) {
    unsigned char *p = to;
    *got = 0;
    while (*got < bytes) {
        ssize_t n = read(s->fd, p + *got, bytes - *got);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return eki_fail(err, EK_ERR_IO, "%s: reading failed: %s", s->path, strerror(errno));
        if (n == 0) break;
        *got += (size_t)n;
    }
    return EK_OK;
}

static ek_status open_regular(eki_source *s, ek_error *err) {
    s->fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (s->fd < 0) return eki_fail(err, EK_ERR_IO, "%s: cannot open for reading: %s", s->path, strerror(errno));
    struct stat info;
    if (fstat(s->fd, &info) != 0) {
        return eki_fail(err, EK_ERR_IO, "%s: cannot examine: %s", s->path, strerror(errno));
    }
    if (!S_ISREG(info.st_mode)) {
        return eki_fail(err, EK_ERR_IO, "%s: is %s, expected a regular file", s->path,
                        S_ISDIR(info.st_mode) ? "a folder" : "a pipe or device");
    }
    s->file_size = (uint64_t)info.st_size;
    return EK_OK;
}

static ek_status detect_gzip(eki_source *s, ek_error *err) {
    unsigned char magic[2] = {0, 0};
    size_t got;
    EKI_TRY(read_fd(s, magic, sizeof magic, &got, err));
    if (lseek(s->fd, 0, SEEK_SET) != 0) {
        return eki_fail(err, EK_ERR_IO, "%s: cannot seek: %s", s->path, strerror(errno));
    }
    s->gzip = got == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
    if (!s->gzip) return EK_OK;
    if (inflateInit2(&s->z, 15 + 16) != Z_OK) return eki_fail_nomem(err, 1 << 16);
    s->inflating = true;
    return EK_OK;
}

ek_status eki_source_open(const char *path, eki_source **out, ek_error *err) {
    *out = NULL;
    eki_source *s = eki_alloc_zero(eki_sized(sizeof *s));
    if (s == NULL) return eki_fail_nomem(err, sizeof *s);
    s->fd = -1;
    s->path = eki_alloc(eki_sized(strlen(path) + 1));
    ek_status status = EK_OK;
    if (s->path == NULL) {
        status = eki_fail_nomem(err, strlen(path) + 1);
        goto done;
    }
    memcpy(s->path, path, strlen(path) + 1);
    EKI_TRY_DONE(open_regular(s, err));
    EKI_TRY_DONE(detect_gzip(s, err));
    *out = s;
    return EK_OK;
done:
    eki_source_close(s);
    return status;
}

void eki_source_close(eki_source *s) {
    if (s == NULL) return;
    if (s->inflating) (void)inflateEnd(&s->z);
    if (s->fd >= 0) close(s->fd);
    eki_free(s->path);
    eki_free(s);
}

bool eki_source_is_gzip(const eki_source *s) { return s->gzip; }
uint64_t eki_source_file_size(const eki_source *s) { return s->file_size; }

/* Makes sure there is input, or that the data has ended where it may. */
static ek_status refill(eki_source *s, ek_error *err) {
    if (s->z.avail_in > 0) return EK_OK;
    size_t got;
    EKI_TRY(read_fd(s, s->input, INPUT_BYTES, &got, err));
    s->z.next_in = s->input;
    s->z.avail_in = (uInt)got;
    if (got > 0) return EK_OK;
    if (!s->boundary) {
        return eki_fail(err, EK_ERR_FORMAT, "%s: the gzip stream is truncated; copy or download it again", s->path);
    }
    s->ended = true;
    return EK_OK;
}

static ek_status next_member(eki_source *s, ek_error *err) {
    if (s->z.next_in[0] != 0x1f) {
        return eki_fail(err, EK_ERR_FORMAT,
                        "%s: there are bytes after the end of the gzip stream; copy or download it "
                        "again",
                        s->path);
    }
    s->boundary = false;
    if (inflateReset(&s->z) != Z_OK) return eki_fail(err, EK_ERR_FORMAT, "%s: damaged gzip stream", s->path);
    return EK_OK;
}

/* Inflates at most `bytes`, which fit zlib's counters. */
static ek_status inflate_some(eki_source *s, unsigned char *to, uInt bytes, size_t *got, ek_error *err) {
    s->z.next_out = to;
    s->z.avail_out = bytes;
    while (s->z.avail_out > 0 && !s->ended) {
        EKI_TRY(refill(s, err));
        if (s->ended) break;
        if (s->boundary) EKI_TRY(next_member(s, err));
        int rc = inflate(&s->z, Z_NO_FLUSH);
        if (rc == Z_STREAM_END) {
            s->boundary = true;
        } else if (rc != Z_OK) {
            return eki_fail(err, rc == Z_MEM_ERROR ? EK_ERR_NOMEM : EK_ERR_FORMAT,
                            "%s: damaged gzip stream (%s); copy or download it again", s->path,
                            s->z.msg != NULL ? s->z.msg : "unexpected data");
        }
    }
    *got = bytes - s->z.avail_out;
    return EK_OK;
}

ek_status eki_source_read(eki_source *s, void *to, size_t bytes, size_t *got, ek_error *err) {
    unsigned char *p = to;
    *got = 0;
    if (!s->gzip) {
        EKI_TRY(read_fd(s, to, bytes, got, err));
        s->position += *got;
        return EK_OK;
    }
    while (*got < bytes && !s->ended) {
        size_t rest = bytes - *got, part = 0;
        EKI_TRY(inflate_some(s, p + *got, (uInt)(rest > (1u << 30) ? (1u << 30) : rest), &part, err));
        *got += part;
        s->position += part;
    }
    return EK_OK;
}

static ek_status fail_short(const eki_source *s, uint64_t found, uint64_t expected, ek_error *err) {
    return eki_fail(err, EK_ERR_FORMAT, "%s: truncated: %llu bytes%s found, %llu expected; copy or download it again",
                    s->path, (unsigned long long)found, s->gzip ? " of unpacked data" : "",
                    (unsigned long long)expected);
}

ek_status eki_source_need(eki_source *s, void *to, size_t bytes, ek_error *err) {
    uint64_t before = s->position;
    size_t got;
    EKI_TRY(eki_source_read(s, to, bytes, &got, err));
    return got == bytes ? EK_OK : fail_short(s, before + got, before + bytes, err);
}

static ek_status fail_long(const eki_source *s, uint64_t expected, ek_error *err) {
    return eki_fail(
        err, EK_ERR_FORMAT,
        "%s: there are bytes after the end of the data: its header says %llu bytes in all; copy or download "
        "it again",
        s->path, (unsigned long long)expected);
}

ek_status eki_source_expect(eki_source *s, uint64_t bytes, ek_error *err) {
    uint64_t rest = s->file_size > s->position ? s->file_size - s->position : 0;
    uint64_t total = bytes > UINT64_MAX - s->position ? UINT64_MAX : s->position + bytes;
    if (s->gzip) {
        return total / 1032 > s->file_size ? fail_short(s, s->file_size * 1032, total, err) : EK_OK;
    }
    if (rest < bytes) return fail_short(s, s->file_size, total, err);
    return rest > bytes ? fail_long(s, total, err) : EK_OK;
}

ek_status eki_source_finish(eki_source *s, uint64_t bytes, ek_error *err) {
    unsigned char scratch[4096];
    uint64_t end = s->position + bytes;
    while (bytes > 0) {
        size_t part = bytes > sizeof scratch ? sizeof scratch : (size_t)bytes;
        EKI_TRY(eki_source_need(s, scratch, part, err));
        bytes -= part;
    }
    size_t got;
    EKI_TRY(eki_source_read(s, scratch, 1, &got, err));
    return got == 0 ? EK_OK : fail_long(s, end, err);
}

ek_status eki_source_slurp(const char *path, size_t most, unsigned char **data, size_t *size, ek_error *err) {
    *data = NULL;
    *size = 0;
    eki_source *s;
    EKI_TRY(eki_source_open(path, &s, err));
    ek_status status = EK_OK;
    size_t left = eki_memory_left();
    if (most > left) most = left;
    if (s->file_size > most) {
        status = eki_fail(err, EK_ERR_LIMIT, "%s: is %llu bytes, more than the limit of %zu", path,
                          (unsigned long long)s->file_size, most);
        goto done;
    }
    *data = eki_alloc(eki_sized((size_t)s->file_size));
    if (*data == NULL) {
        status = eki_fail_nomem(err, s->file_size);
        goto done;
    }
    EKI_TRY_DONE(read_fd(s, *data, (size_t)s->file_size, size, err));
done:
    eki_source_close(s);
    if (status != EK_OK) {
        eki_free(*data);
        *data = NULL;
    }
    return status;
}
