/* table.c: the kernel table of one instruction set and data type.
 *
 * Made from kernels.def, so a kernel that is listed but not written is a link error and never a NULL pointer
 * found at run time. What hand.def lists then takes its place. src/cpu/dispatch.c chooses between the tables.
 */
#include "kernel/kernel.h"

#define EK_KERNEL(name, parameters) void EK_FN(hand_##name) parameters;
#include "kernel/kernels.def"
#undef EK_KERNEL

#define EK_HAND(name) .name = EK_FN(hand_##name),
#if defined(EK_DATA_f32)
#define EK_HAND_F32(name) EK_HAND(name)
#else
#define EK_HAND_F32(name)
#endif

#pragma GCC diagnostic ignored "-Woverride-init" /* that is what hand.def is for */
const eki_kernels EK_FN(kernels) = {
    .isa = EKI_TEXT2(EK_ISA),
    .data = EKI_TEXT2(EK_DATA),
#define EK_KERNEL(name, parameters) .name = EK_FN(name),
#include "kernel/kernels.def"
#undef EK_KERNEL
#include "kernel/hand.def"
};
