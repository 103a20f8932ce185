/* limit.c: how much memory this process can hope for. */
#include "base/memory.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

size_t eki_memory_limit(void) {
    static const int resources[] = {RLIMIT_AS, RLIMIT_DATA, RLIMIT_RSS};
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    size_t most = pages > 0 && page > 0 ? (size_t)pages * (size_t)page : SIZE_MAX;
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
        struct rlimit own;
        bool set = getrlimit(resources[i], &own) == 0 && own.rlim_cur != RLIM_INFINITY;
        if (set && own.rlim_cur < most) most = (size_t)own.rlim_cur;
    }
    FILE *file = fopen("/sys/fs/cgroup/memory.max", "re"); /* "max" or a number */
    unsigned long long allowed;
    if (file == NULL) return most;
    if (fscanf(file, "%llu", &allowed) == 1 && allowed < most) most = (size_t)allowed;
    (void)fclose(file);
    return most;
}
