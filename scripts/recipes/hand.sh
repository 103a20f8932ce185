# A kernel by hand for one instruction set: widen, which for float32 copies.
title="a kernel by hand"
targets="kernelcheck"

plant() {
    mkdir -p src/kernel/hand/avx2
    cat >src/kernel/hand/avx2/avx2_widen.c <<'END'
/* avx2_widen.c: floats as they are. */
#include "kernel/kernel.h"

#include <string.h>

void EK_FN(hand_widen)(const void *x, size_t n, float *y);
void EK_FN(hand_widen)(const void *x, size_t n, float *y) { memcpy(y, x, n * sizeof *y); }
END
    after src/kernel/hand.def 'EK_ISA_avx2' 'EK_HAND_F32(widen)'
}

check() {
    quietly $build/kernelcheck --kernel widen
}
