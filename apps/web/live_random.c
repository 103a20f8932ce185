/* live_random.c: random numbers by counter: the mixing function of SplitMix64 (Steele, Lea, Flood 2014) on stream and
 * counter, so that a number does not depend on which were drawn before. */
#include "web/live_net.h"

static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t live_word(uint64_t stream, uint64_t counter) {
    return mix(mix(stream * 0x9e3779b97f4a7c15u + 1) + counter * 0x9e3779b97f4a7c15u);
}

double live_uniform(uint64_t stream, uint64_t counter) {
    return (double)(live_word(stream, counter) >> 11) / 9007199254740992.0;
}

double live_bell(uint64_t stream, uint64_t counter) {
    double sum = 0;
    for (uint64_t i = 0; i < 3; i++) sum += 2 * live_uniform(stream, 3 * counter + i) - 1;
    return sum;
}
