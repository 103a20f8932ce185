/* room.h: a budget for what a test does (eki_memory_left), by a limit that the system only notes. */
#ifndef EKT_ROOM_H
#define EKT_ROOM_H

#include "base/memory.h"

#include <sys/resource.h>

/* The library may take `bytes` more from now on. What the process holds counts, and is not the test's: that of the
 * sanitizers, which keep what is freed, grows. SIZE_MAX: as before the first call. */
static inline void room_leave(size_t bytes) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_RSS, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_RSS, &limit);
    if (bytes == SIZE_MAX) return;
    limit.rlim_cur = bytes + (eki_memory_limit() - eki_memory_left());
    (void)setrlimit(RLIMIT_RSS, &limit);
}

#endif
