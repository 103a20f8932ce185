/* cpu.h: which instruction set the kernels use. Results never depend on it, only time. */
#ifndef EVENKEEL_CPU_H
#define EVENKEEL_CPU_H

#include <evenkeel/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Name of the kernel table in force: "generic"; "avx2" or "avx512" on x86-64; "neon" on AArch64; "wasm" in WebAssembly.
 * Chosen once, from the processor, capped by the environment variable EVENKEEL_ISA. */
EK_API const char *ek_cpu_isa(void);

/* Caps the choice for this process from now on (tests, comparisons). EK_ERR_ARG: no such name;
 * EK_ERR_UNSUPPORTED: this processor or build lacks it. NULL = back to the default. */
EK_API ek_status ek_cpu_set_isa(const char *isa, ek_error *err);

#ifdef __cplusplus
}
#endif
#endif
