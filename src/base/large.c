/* large.c: memory for large blocks that are read again and again, in pages of 2 MiB where the system has them. */
#define _DEFAULT_SOURCE 1 /* madvise */
#include "base/large.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 1 << 21 };

void *eki_alloc_large(eki_size size) {
    size_t rounded;
    if (size.bytes < 2 * (size_t)PAGE || !eki_add_size(size.bytes, PAGE - 1, &rounded)) return eki_alloc(size);
    if (!eki_alloc_may(size)) return NULL;
    rounded = rounded / PAGE * PAGE;
    void *pointer = aligned_alloc(PAGE, rounded);
#ifdef MADV_HUGEPAGE
    if (pointer != NULL) (void)madvise(pointer, rounded, MADV_HUGEPAGE); /* a wish: small pages serve as well */
#endif
    return pointer;
}
