/* half_ref.c: a number of the format is digits * 2^exponent, so rounding is one division, nearbyint and a product, all
 * exact in double but for the one rounding that is meant. */
#include "support/half_ref.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    int digits;   /* after the leading one */
    int smallest; /* exponent of the smallest normal number */
    int largest;  /* and of the largest */
} format;

static const format formats[EKI_DATA_TYPES] = {
    [EKI_BF16] = {7, -126, 127},
    [EKI_F16] = {10, -14, 15},
};

static format format_of(eki_data data) {
    if (formats[data].digits == 0) {
        fprintf(stderr, "half_ref.c: data type %d has no format\n", (int)data);
        abort();
    }
    return formats[data];
}

unsigned eki_ref_infinity(eki_data data) { return 0x7fffu >> format_of(data).digits << format_of(data).digits; }

uint16_t eki_ref_narrow(eki_data data, float value) {
    format f = format_of(data);
    uint16_t infinity = (uint16_t)(0x7fffu >> f.digits << f.digits), sign = signbit(value) ? 0x8000 : 0;
    if (isnan(value)) return (uint16_t)(sign | infinity | 1u << (f.digits - 1));
    double size = fabs((double)value);
    if (isinf(size)) return sign | infinity;
    int exponent = size > 0 ? ilogb(size) : f.smallest;
    if (exponent < f.smallest) exponent = f.smallest;
    double count = nearbyint(ldexp(size, f.digits - exponent)); /* of units in the last place; ties go to even */
    unsigned bits = (unsigned)count + ((unsigned)(exponent - f.smallest) << f.digits);
    return (uint16_t)(sign | (bits > infinity ? infinity : bits));
}

float eki_ref_widen(eki_data data, uint16_t element) {
    format f = format_of(data);
    unsigned digits = element & ((1u << f.digits) - 1), exponent = (element & 0x7fffu) >> f.digits;
    double sign = element & 0x8000 ? -1 : 1;
    if ((int)exponent > f.largest - f.smallest + 1) return digits != 0 ? NAN : (float)(sign * (double)INFINITY);
    double leading = exponent > 0 ? 1u << f.digits : 0;
    int power = (int)(exponent > 0 ? exponent - 1 : 0) + f.smallest - f.digits;
    return (float)(sign * ldexp(leading + digits, power));
}

int eki_ref_same(eki_data data, uint16_t a, uint16_t b) {
    unsigned infinity = eki_ref_infinity(data);
    if ((a & 0x7fffu) > infinity && (b & 0x7fffu) > infinity) return 1;
    return a == b;
}
