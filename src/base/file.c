/* file.c: reading whole files, over POSIX calls. */
#define _DEFAULT_SOURCE 1 /* madvise */
#include "base/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Above, a file is mapped, and must not shrink while it is in use. */
enum { READ_WHOLE = 1 << 28, READ_LITTLE = 1 << 24 };

/* Reads the whole file into memory of its own, so that whatever becomes of the file, these bytes stay. */
static ek_status read_whole(int fd, const char *path, unsigned char *to, size_t size, ek_error *err) {
    for (size_t at = 0; at < size;) {
        ssize_t got = pread(fd, to + at, size - at, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return eki_fail(err, EK_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
        if (got == 0) {
            return eki_fail(err, EK_ERR_IO, "%s: was cut to %zu of %zu bytes while it was read; try again", path, at,
                            size);
        }
        at += (size_t)got;
    }
    return EK_OK;
}

static ek_status map_file(int fd, const char *path, size_t size, size_t limit, eki_map *map, ek_error *err) {
    bool whole = size <= limit;
    void *data = whole ? eki_alloc(eki_sized(size)) : mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == NULL) return eki_fail_nomem(err, size);
    if (data == MAP_FAILED) {
        return eki_fail(err, EK_ERR_IO, "%s: cannot map %zu bytes: %s", path, size, strerror(errno));
    }
    ek_status status = whole ? read_whole(fd, path, data, size, err) : EK_OK;
    if (status != EK_OK) {
        eki_free(data);
        return status;
    }
    *map = (eki_map){.data = data, .size = size, .mapped = !whole};
    return EK_OK;
}

static ek_status examine(int fd, const char *path, struct stat *info, ek_error *err) {
    if (fstat(fd, info) == 0) return EK_OK;
    ek_status status = eki_fail(err, EK_ERR_IO, "%s: cannot examine: %s", path, strerror(errno));
    close(fd);
    return status;
}

/* Opens name's folders one inside the other, then the file. -1 and errno on failure. */
static int open_below(const char *folder, const char *name) {
    char part[NAME_MAX + 1];
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (const char *slash; fd >= 0 && (slash = strchr(name, '/')) != NULL; name = slash + 1) {
        size_t size = (size_t)(slash - name);
        int inside = -1;
        if (size < sizeof part) {
            memcpy(part, name, size);
            part[size] = '\0';
            inside = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        } else {
            errno = ENAMETOOLONG;
        }
        int why = errno;
        close(fd);
        errno = why;
        fd = inside;
    }
    if (fd < 0) return -1;
    int file = openat(fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    int why = errno;
    close(fd);
    errno = why;
    return file;
}

/* Opened and examined, so that nothing can be exchanged between check and use. */
static ek_status find_below(const char *folder, const char *name, int *fd, struct stat *info, ek_error *err) {
    *fd = open_below(folder, name);
    if (*fd < 0) {
        bool link = errno == ELOOP || errno == ENOTDIR;
        return eki_fail(err, EK_ERR_IO, "%s%s: cannot open for reading: %s", folder, name,
                        link ? "it is a symbolic link or in one, which is not followed; put the file itself there"
                             : strerror(errno));
    }
    EKI_TRY(examine(*fd, name, info, err));
    if (S_ISREG(info->st_mode) && info->st_nlink > 1) {
        close(*fd);
        return eki_fail(err, EK_ERR_IO,
                        "%s%s: has %lld names (hard links), so it may be a file of somebody else; copy it", folder,
                        name, (long long)info->st_nlink);
    }
    return EK_OK;
}

static ek_status check_regular(const char *path, const struct stat *info, ek_error *err) {
    if (S_ISREG(info->st_mode)) return EK_OK;
    return eki_fail(err, EK_ERR_IO, "%s: is %s, expected a regular file", path,
                    S_ISDIR(info->st_mode) ? "a folder" : "a pipe or device");
}

static ek_status map_and_close(int fd, const char *path, const struct stat *info, size_t limit, eki_map *map,
                               ek_error *err) {
    ek_status status = check_regular(path, info, err);
    if (status == EK_OK && info->st_size > 0) status = map_file(fd, path, (size_t)info->st_size, limit, map, err);
    close(fd);
    return status;
}

static ek_status open_map(const char *path, size_t limit, eki_map *map, ek_error *err) {
    struct stat info;
    *map = (eki_map){.data = (const unsigned char *)""};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return eki_fail(err, EK_ERR_IO, "%s: cannot open for reading: %s", path, strerror(errno));
    EKI_TRY(examine(fd, path, &info, err));
    return map_and_close(fd, path, &info, limit, map, err);
}

ek_status eki_map_open(const char *path, eki_map *map, ek_error *err) { return open_map(path, READ_WHOLE, map, err); }

ek_status eki_map_open_sparing(const char *path, eki_map *map, ek_error *err) {
    return open_map(path, READ_LITTLE, map, err);
}

ek_status eki_map_open_below(const char *folder, const char *name, eki_map *map, ek_error *err) {
    struct stat info;
    int fd;
    *map = (eki_map){.data = (const unsigned char *)""};
    EKI_TRY(find_below(folder, name, &fd, &info, err));
    return map_and_close(fd, name, &info, READ_WHOLE, map, err);
}

ek_status eki_file_open_below(const char *folder, const char *name, eki_open_file *reader, ek_error *err) {
    struct stat info;
    int fd;
    *reader = (eki_open_file){.fd = -1};
    EKI_TRY(find_below(folder, name, &fd, &info, err));
    ek_status status = check_regular(name, &info, err);
    if (status != EK_OK) {
        close(fd);
        return status;
    }
    *reader = (eki_open_file){fd, (uint64_t)info.st_size, (uint64_t)info.st_dev, (uint64_t)info.st_ino};
    return EK_OK;
}

ek_status eki_file_get(const eki_open_file *reader, uint64_t offset, void *to, size_t size, ek_error *err) {
    for (size_t at = 0; at < size;) {
        ssize_t got = pread(reader->fd, (char *)to + at, size - at, (off_t)(offset + at));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return eki_fail(err, EK_ERR_IO, "cannot read: %s", strerror(errno));
        if (got == 0) return eki_fail(err, EK_ERR_IO, "was cut while it was read; try again");
        at += (size_t)got;
    }
    return EK_OK;
}

void eki_file_close(eki_open_file *reader) {
    if (reader->fd >= 0) close(reader->fd);
    reader->fd = -1;
}

void eki_map_close(eki_map *map) {
    if (map->mapped) {
        munmap((void *)(uintptr_t)map->data, map->size);
    } else if (map->size > 0) {
        eki_free((void *)(uintptr_t)map->data);
    }
    *map = (eki_map){.data = (const unsigned char *)""};
}

bool eki_map_forget(const eki_map *map, const void *data, size_t size) {
    uintptr_t begin = (uintptr_t)data, base = (uintptr_t)map->data, page = (uintptr_t)sysconf(_SC_PAGESIZE);
    if (begin < base || size > map->size || begin - base > map->size - size) return false;
    uintptr_t first = (begin + page - 1) / page * page, end = (begin + size) / page * page;
    if (map->mapped && end > first) (void)madvise((void *)first, end - first, MADV_DONTNEED);
    return true;
}
