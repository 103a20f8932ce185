/* half_ref.h: bf16 and f16 by arithmetic instead of bits: what narrowing and widening must give. Only tests link it. */
#ifndef EKI_HALF_REF_H
#define EKI_HALF_REF_H

#include "kernel/kernel.h"
#include <stdint.h>

/* The element nearest to `value`, ties to even, of EKI_BF16 or EKI_F16; what is beyond the largest becomes infinite. */
uint16_t eki_ref_narrow(eki_data data, float value);

/* The value of an element. */
float eki_ref_widen(eki_data data, uint16_t element);

/* Equal, any NaN equal to any NaN. */
int eki_ref_same(eki_data data, uint16_t a, uint16_t b);

#endif
