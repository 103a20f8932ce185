/* half_ref.h: the types of 16 bits by arithmetic instead of bits: what narrowing and widening must give. Only tests
 * link it. */
#ifndef EKI_HALF_REF_H
#define EKI_HALF_REF_H

#include "kernel/kernel.h"
#include <stdint.h>

/* The element nearest to `value`, ties to even, of a type of 16 bits; what is beyond the largest becomes infinite. */
uint16_t eki_ref_narrow(eki_data data, float value);

/* The value of an element. */
float eki_ref_widen(eki_data data, uint16_t element);

/* The element of infinity; above it are NaNs. */
unsigned eki_ref_infinity(eki_data data);

/* Equal, any NaN equal to any NaN. */
int eki_ref_same(eki_data data, uint16_t a, uint16_t b);

#endif
