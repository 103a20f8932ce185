#define EK_EXPERIMENTAL
#include "example.h"
#include <evenkeel/bench.h>

int main(void) {
#include "bench-1.inc"
    return !(result.ratio > 0);
}
