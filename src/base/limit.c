/* limit.c: how much memory this process may take. */
#include "base/cgroup.h"
#include "base/memory.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LARGE = 64 << 20 };

static atomic_size_t allowed = SIZE_MAX;
static atomic_size_t of_machine; /* 0 = not asked yet */

/* Of the machine and of the control groups, which are asked once. */
static size_t machine_limit(void) {
    size_t most = atomic_load(&of_machine);
    if (most != 0) return most;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    bool known = pages > 0 && page > 0 && eki_mul_size((size_t)pages, (size_t)page, &most);
    size_t groups = eki_cgroup_memory("");
    if (!known || groups < most) most = groups;
    atomic_store(&of_machine, most);
    return most;
}

size_t eki_memory_limit(void) {
    static const int resources[] = {RLIMIT_AS, RLIMIT_DATA, RLIMIT_RSS};
    size_t most = machine_limit(), own_limit = atomic_load(&allowed);
    if (own_limit < most) most = own_limit;
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
        struct rlimit own;
        bool set = getrlimit(resources[i], &own) == 0 && own.rlim_cur != RLIM_INFINITY;
        if (set && own.rlim_cur < most) most = (size_t)own.rlim_cur;
    }
    return most;
}

/* Pages of this process that no file backs. */
static size_t held(void) {
    char text[256];
    unsigned long long resident = 0, shared = 0;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0) (void)close(fd);
    text[n > 0 ? n : 0] = 0;
    if (sscanf(text, "%*u %llu %llu", &resident, &shared) != 2 || shared > resident) return 0;
    return eki_size_of((size_t)(resident - shared), (size_t)sysconf(_SC_PAGESIZE)).bytes;
}

size_t eki_memory_left(void) {
    size_t most = eki_memory_limit(), taken = held();
    return taken < most ? most - taken : 0;
}

size_t eki_memory_available(void) {
    char line[256];
    unsigned long long kibibytes;
    size_t most = SIZE_MAX;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file != NULL && most == SIZE_MAX && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "MemAvailable: %llu kB", &kibibytes) == 1) most = eki_size_of((size_t)kibibytes, 1024).bytes;
    }
    if (file != NULL) (void)fclose(file);
    return most;
}

/* Many systems grant what they do not have, and end the process that touches it. */
bool eki_memory_fits(size_t bytes) {
    bool asked = bytes >= LARGE || atomic_load(&allowed) != SIZE_MAX;
    return !asked || bytes <= eki_memory_left();
}

void eki_memory_allow(size_t bytes) { atomic_store(&allowed, bytes > 0 ? bytes : SIZE_MAX); }
