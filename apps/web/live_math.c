/* live_math.c: exponential and logarithm by + - * / alone: the same bits wherever IEEE 754 holds. */
#include "web/live_net.h"

#include <string.h>

static double power_of_two(int k) {
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double live_exp(double x) {
    if (!(x > -700)) return x < 0 ? 0 : x;
    if (x > 700) x = 700;
    int k = (int)(x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5));
    double r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10, sum = 1;
    for (int i = 13; i > 0; i--) sum = 1 + sum * r / i;
    return sum * power_of_two(k);
}

double live_log(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int k = (int)(bits >> 52) - 1023;
    double m = x / power_of_two(k);
    if (m > 1.4142135623730951) m /= 2, k++;
    double s = (m - 1) / (m + 1), square = s * s, sum = 0;
    for (int i = 19; i > 0; i -= 2) sum = sum * square + 1.0 / i;
    return k * 0.6931471805599453 + 2 * s * sum;
}
