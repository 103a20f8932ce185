/* headroom.c: libraries that do not look whether they were given the memory that they ask for end the process by a
 * signal where there is none. So what they may take is asked for beforehand, and given back untouched. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "base/memory.h"

#include <sys/mman.h>

ek_status eki_headroom(unsigned mebibytes, ek_error *err) {
    size_t bytes = (size_t)mebibytes << 20;
    void *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) return eki_fail_nomem(err, bytes);
    (void)munmap(room, bytes);
    return EK_OK;
}
