/* float_mode.h: the modes of the processor's f32 and f64 arithmetic: rounding, flush to zero, traps.
 *
 * A program linked with -Ofast runs with denormals flushed to zero, and a host may round upwards: then the same code
 * has other bits. What computes does so in the default modes, to nearest with denormals and without traps, on every
 * thread, and gives the thread its own back. Flags that were raised stay raised. MXCSR on x86-64, FPCR on AArch64;
 * elsewhere there are no modes to set.
 */
#ifndef EKI_FLOAT_MODE_H
#define EKI_FLOAT_MODE_H

#include <stdint.h>

typedef struct eki_float_mode {
    uint64_t word;
} eki_float_mode;

/* Those of this thread. */
eki_float_mode eki_float_mode_get(void);
void eki_float_mode_set(eki_float_mode mode);

/* These, or the default ones, from here on; returns those that were. A few ns, most of it only where they differ. */
eki_float_mode eki_float_mode_change(eki_float_mode mode);
eki_float_mode eki_float_mode_default(void);

/* As eki_float_mode_set; the attribute `cleanup` wants a pointer. */
void eki_float_mode_restore(const eki_float_mode *mode);

/* `name` holds the modes of the caller, which come back where the scope of `name` ends. Results must be in memory or
 * come from a call by then: the compiler knows nothing of modes. */
#define EKI_FLOAT_DEFAULT(name)                                                                                        \
    __attribute__((cleanup(eki_float_mode_restore), unused)) const eki_float_mode name = eki_float_mode_default()
#define EKI_FLOAT_AS(name, mode)                                                                                       \
    __attribute__((cleanup(eki_float_mode_restore), unused)) const eki_float_mode name = eki_float_mode_change(mode)

#endif
