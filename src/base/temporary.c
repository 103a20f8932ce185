/* temporary.c: temporary files that do not outlive their process, nor for long one that is killed. */
#define _DEFAULT_SOURCE 1 /* flock */
#include "base/temporary.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    NAMES = 8,
    LIVE = 64,
    WAITS = 1000
}; /* writers of one target at a time; temporaries of a process that are known */

static _Atomic(char *) live[LIVE];
static atomic_bool abandoned;
static atomic_int beginning; /* threads between making a file and knowing it */

static void know(char *path) {
    for (size_t i = 0; i < LIVE; i++) {
        char *none = NULL;
        if (atomic_compare_exchange_strong(&live[i], &none, path)) return;
    }
}

static void forget(char *path) {
    for (size_t i = 0; i < LIVE; i++) {
        char *known = path;
        if (atomic_compare_exchange_strong(&live[i], &known, NULL)) return;
    }
}

/* A thread that is making a file takes no signal meanwhile, so that this is another, which waits for it. */
void eki_temporary_abandon(void) {
    int before = errno;
    atomic_store(&abandoned, true);
    for (int i = 0; i < WAITS && atomic_load(&beginning) > 0; i++) nanosleep(&(struct timespec){0, 1000000}, NULL);
    for (size_t i = 0; i < LIVE; i++) {
        const char *path = atomic_load(&live[i]);
        if (path != NULL) (void)unlink(path);
    }
    errno = before;
}

static bool named(int fd, const char *path) {
    struct stat here, there;
    return fstat(fd, &here) == 0 && lstat(path, &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}

/* Removes what a process that has ended left under this name. While it is locked here, nobody puts another file there.
 */
static void remove_left_over(const char *path) {
    struct stat info;
    int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return;
    bool file = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1;
    if (file && flock(fd, LOCK_EX | LOCK_NB) == 0 && named(fd, path)) (void)unlink(path);
    close(fd);
}

/* A new file, locked. Somebody who takes it for left over before it is locked removes it: then it is made again. Where
 * files cannot be locked nothing is ever taken for left over. -1 and errno on failure. */
static int create(const char *path) {
    for (int again = 0; again < NAMES; again++) {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0) return -1;
        bool taken = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
        if (!taken && named(fd, path)) return fd;
        close(fd);
    }
    errno = EEXIST;
    return -1;
}

static ek_status fail_create(const char *target, ek_error *err) {
    if (errno == EEXIST) {
        return eki_fail(err, EK_ERR_IO,
                        "%s: %d others write it (%s.tmp-0 to -%d); wait for them, or delete these if nobody does",
                        target, NAMES, target, NAMES - 1);
    }
    return eki_fail(err, EK_ERR_IO, "cannot write %s: %s", target,
                    errno == ENOENT ? "its folder does not exist; make it first" : strerror(errno));
}

/* The first name that is free. Left over files go first, whatever their number. */
static int create_first(char *path, char *number) {
    int fd = -1;
    for (*number = '0'; *number < '0' + NAMES; ++*number) remove_left_over(path);
    for (*number = '0'; *number < '0' + NAMES; ++*number) {
        fd = create(path);
        if (fd >= 0 || errno != EEXIST) break;
    }
    return fd;
}

static ek_status begin(const char *target, eki_temporary *temporary, ek_error *err) {
    if (atomic_load(&abandoned)) {
        return eki_fail(err, EK_ERR_INTERRUPTED, "%s: is not written, the program is ending", target);
    }
    temporary->fd = create_first(temporary->path, temporary->path + strlen(temporary->path) - 1);
    if (temporary->fd < 0) return fail_create(target, err);
    know(temporary->path);
    return EK_OK;
}

ek_status eki_temporary_open(const char *target, eki_temporary *temporary, ek_error *err) {
    size_t room = strlen(target) + sizeof ".tmp-0";
    *temporary = (eki_temporary){-1, eki_alloc(eki_sized(room))};
    if (temporary->path == NULL) return eki_fail_nomem(err, room);
    (void)snprintf(temporary->path, room, "%s.tmp-0", target);
    sigset_t all, own;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &own);
    atomic_fetch_add(&beginning, 1);
    ek_status status = begin(target, temporary, err);
    atomic_fetch_sub(&beginning, 1);
    (void)pthread_sigmask(SIG_SETMASK, &own, NULL);
    if (status != EK_OK) eki_temporary_close(temporary);
    return status;
}

void eki_temporary_renamed(eki_temporary *temporary) {
    if (temporary->path != NULL) forget(temporary->path);
    free(temporary->path);
    temporary->path = NULL;
}

void eki_temporary_close(eki_temporary *temporary) {
    if (temporary->fd >= 0 && temporary->path != NULL) (void)unlink(temporary->path);
    eki_temporary_renamed(temporary);
    if (temporary->fd >= 0) close(temporary->fd);
    temporary->fd = -1;
}
