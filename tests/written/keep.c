/* keep.c: a copy of every model that a program puts in its place, in the folder that EK_WRITTEN names.
 *
 * Preloaded into the tests (LD_PRELOAD). A model is written under another name and renamed, so that rename sees each
 * one, also those that the test replaces, removes or damages later, and those of a process that is killed. A copy is
 * EK_WRITTEN/HASH/NAME.onnx with the files of external data beside it; equal bytes are kept once.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH = 2048 };

static int ends_in(const char *name, const char *end) {
    size_t length = strlen(name), tail = strlen(end);
    return length > tail && strcmp(name + length - tail, end) == 0;
}

/* FNV-1a over a file, going on from `hash`. */
static int hash_file(const char *path, uint64_t *hash) {
    unsigned char buffer[1 << 14];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;
    while (file >= 0 && (got = read(file, buffer, sizeof buffer)) > 0) {
        for (ssize_t i = 0; i < got; i++) *hash = (*hash ^ buffer[i]) * UINT64_C(0x100000001b3);
    }
    if (file >= 0) (void)close(file);
    return got == 0;
}

/* Whole or not at all: the process may be killed here, too. */
static int copy(const char *from, const char *to) {
    unsigned char buffer[1 << 14];
    char part[PATH + 32];
    (void)snprintf(part, sizeof part, "%s.part%ld", to, (long)getpid());
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    ssize_t got = -1;
    while (in >= 0 && out >= 0 && (got = read(in, buffer, sizeof buffer)) > 0) {
        if (write(out, buffer, (size_t)got) != got) break;
    }
    if (in >= 0) (void)close(in);
    if (out >= 0) (void)close(out);
    if (got == 0 && renameat(AT_FDCWD, part, AT_FDCWD, to) == 0) return 1;
    (void)unlink(part);
    return 0;
}

static int is_data(const char *name) { return ends_in(name, ".data") || ends_in(name, ".bin"); }

/* Each file of external data in the folder: hashed, or copied to `to`. */
static int each_data(const char *folder, uint64_t *hash, const char *to) {
    DIR *dir = opendir(folder);
    int good = dir != NULL;
    for (struct dirent *entry; good && (entry = readdir(dir)) != NULL;) {
        char from[PATH], path[PATH];
        if (!is_data(entry->d_name)) continue;
        (void)snprintf(from, sizeof from, "%s/%s", folder, entry->d_name);
        if (to != NULL) (void)snprintf(path, sizeof path, "%s/%s", to, entry->d_name);
        good = to != NULL ? copy(from, path) : hash_file(from, hash);
    }
    if (dir != NULL) (void)closedir(dir);
    return good;
}

static void keep(const char *model, const char *kept) {
    char folder[PATH], to[PATH / 2], path[PATH];
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    const char *slash = strrchr(model, '/'), *name = slash != NULL ? slash + 1 : model;
    int length = slash == NULL ? 1 : slash == model ? 1 : (int)(slash - model);
    (void)snprintf(folder, sizeof folder, "%.*s", length, slash == NULL ? "." : model);
    if (!hash_file(model, &hash) || !each_data(folder, &hash, NULL)) return;
    (void)mkdir(kept, 0777);
    (void)snprintf(to, sizeof to, "%s/%016" PRIx64, kept, hash);
    if (mkdir(to, 0777) != 0) return; /* known, or not to be had */
    (void)snprintf(path, sizeof path, "%s/%.255s", to, name);
    if (!each_data(folder, NULL, to) || !copy(model, path)) (void)rmdir(to);
}

__attribute__((visibility("default"))) int rename(const char *from, const char *to) {
    const char *kept = getenv("EK_WRITTEN");
    int result = renameat(AT_FDCWD, from, AT_FDCWD, to), error = errno;
    if (result == 0 && kept != NULL && ends_in(to, ".onnx")) keep(to, kept);
    errno = error;
    return result;
}
