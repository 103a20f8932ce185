/* half.h: float16 and bfloat16, which exist in files and arrays; arithmetic is f32.
 *
 * Widening is exact. Narrowing rounds once, to nearest even; denormals are kept, what is too large becomes infinity,
 * and NaN keeps its sign and the upper bits of its payload, so that widening and narrowing give back every bit pattern.
 */
#ifndef EKI_HALF_H
#define EKI_HALF_H

#include <evenkeel/status.h>
#include <stdbool.h>
#include <stddef.h>

bool eki_is_half(ek_dtype dtype); /* EK_F16 or EK_BF16 */

/* `dtype` is EK_F16 or EK_BF16; halves need no alignment. */
void eki_half_widen(ek_dtype dtype, const void *halves, float *floats, size_t count);
void eki_half_narrow(ek_dtype dtype, const float *floats, void *halves, size_t count);

/* Each number replaced by the nearest that the type has. */
void eki_half_round(ek_dtype dtype, float *floats, size_t count);

#endif
