/* headroom.c: oneDNN does not look whether it was given the memory that it asks for: where there is none, the process
 * ends by a signal. So what it may take is asked for beforehand, and given back untouched. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "dnnl/adapter.h"

#include <sys/mman.h>

ek_status eki_dnnl_room(eki_dnnl_need need, ek_error *err) {
    size_t bytes = (size_t)need << 20;
    void *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) return eki_fail_nomem(err, bytes);
    (void)munmap(room, bytes);
    return EK_OK;
}
