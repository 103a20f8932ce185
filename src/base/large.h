/* large.h: memory for large blocks that are read again and again. */
#ifndef EKI_LARGE_H
#define EKI_LARGE_H

#include <stddef.h>

/* As eki_alloc, in large pages where the system has them; to be freed by eki_free. */
void *eki_alloc_large(size_t bytes);

#endif
