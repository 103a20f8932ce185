#include "example.h"
#include <evenkeel/metrics.h>

static ek_status example(void) {
    static const int32_t labels[] = {0, 1, 2, 1}, predicted[] = {0, 1, 1, 1};
    const int classes = 3, count = 4;
#include "metrics-1.inc"
    return s;
}

int main(void) { return judged(example()); }
