/* dispatch.h: the kernel table in force. */
#ifndef EKI_DISPATCH_H
#define EKI_DISPATCH_H

#include "kernel/kernel.h"

/* The table in force for a data type; never NULL. Read it once per execution, so that one execution uses one table. */
const eki_kernels *eki_kernels_get(eki_data data);

/* The table of the i-th instruction set of this build, best last, or NULL at the end; and whether this processor can
 * run it. */
const eki_kernels *eki_kernels_at(size_t index, eki_data data);
int eki_kernels_supported(size_t index);

#endif
