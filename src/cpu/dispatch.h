/* dispatch.h: the kernel table in force. */
#ifndef EKI_DISPATCH_H
#define EKI_DISPATCH_H

#include "kernel/kernel.h"

/* The table in force; never NULL. Read it once per execution, so that one execution uses one table. */
const eki_kernels *eki_kernels_get(void);

/* The i-th table of this build, best last, or NULL at the end; and whether this processor can run it. */
const eki_kernels *eki_kernels_at(size_t index);
int eki_kernels_supported(size_t index);

#endif
