/* guarded.c: pages and their protection. WebAssembly has none, but its memory ends somewhere: there the block that was
 * made last is guarded, and a block is never given back. */
#include "kernelcheck/guarded.h"

#include <stdlib.h>

#if defined(__wasm__)
enum { PAGE = 65536 };

guarded guarded_make(size_t bytes) {
    size_t pages = (bytes + PAGE - 1) / PAGE, at = __builtin_wasm_memory_grow(0, pages);
    if (at == SIZE_MAX) abort();
    return (guarded){(unsigned char *)(at * PAGE), pages * PAGE};
}

void guarded_free(guarded g) { (void)g; }
#else
#include <sys/mman.h>
#include <unistd.h>

guarded guarded_make(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    guarded g = {NULL, (bytes + page - 1) / page * page};
    void *memory = NULL;
    if (posix_memalign(&memory, page, g.bytes + page) != 0) abort();
    if (mprotect((char *)memory + g.bytes, page, PROT_NONE) != 0) abort();
    g.base = memory;
    return g;
}

void guarded_free(guarded g) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (mprotect(g.base + g.bytes, page, PROT_READ | PROT_WRITE) != 0) abort();
    free(g.base);
}
#endif

void *guarded_last(guarded g, size_t bytes) { return g.base + g.bytes - bytes; }
