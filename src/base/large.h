/* large.h: memory for large blocks that are read again and again. */
#ifndef EKI_LARGE_H
#define EKI_LARGE_H

#include "base/memory.h"

/* As eki_alloc, in large pages where the system has them; to be freed by eki_free. */
void *eki_alloc_large(eki_size size);

#endif
