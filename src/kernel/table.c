/* table.c: the kernel table of one instruction set and data type.
 *
 * Made from kernels.def, so a kernel that is listed but not written is a link error and never a NULL pointer
 * found at run time. src/cpu/dispatch.c chooses between the tables.
 */
#include "kernel/kernel.h"

const eki_kernels EK_FN(kernels) = {
    .isa = EKI_TEXT2(EK_ISA),
    .data = EKI_TEXT2(EK_DATA),
#define EK_KERNEL(name, parameters) .name = EK_FN(name),
#include "kernel/kernels.def"
#undef EK_KERNEL
};
