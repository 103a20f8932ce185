# An instruction set: SSE 4.1, by the code of the generic one.
title="an instruction set"
targets="kernelcheck test_norm_bits"

plant() {
    sed -i -e 's/EK_ISAS avx2 avx512/EK_ISAS sse41 avx2 avx512/' \
        -e 's/^\( *\)set(EK_ISA_FLAGS_avx2 .*/&\n\1set(EK_ISA_FLAGS_sse41 -msse4.1)/' cmake/EvenkeelKernels.cmake
    sed -e 's/EKI_SIMD_GENERIC_H/EKI_SIMD_SSE41_H/; s/simd_generic[.]h/simd_sse41.h/' src/kernel/simd/simd_generic.h >src/kernel/simd/simd_sse41.h
    sed -e 's/EKI_HALF_GENERIC_H/EKI_HALF_SSE41_H/; s/half_generic[.]h/half_sse41.h/; s/simd_generic[.]h/simd_sse41.h/' \
        src/kernel/simd/half_generic.h >src/kernel/simd/half_sse41.h
    sed -i -e 's/^TABLES(avx2)$/TABLES(sse41)\n&/' -e 's/^    RUNG(avx2),$/    RUNG(sse41),\n&/' \
        -e 's/^static int has_avx2(void)/static int has_sse41(void) { return __builtin_cpu_supports("sse4.1") != 0; }\n&/' \
        src/cpu/dispatch.c
    sed -i 's/^ek_isas += avx2 avx512$/ek_isas += sse41 avx2 avx512/' scripts/lib/evenkeel.mk
}

check() {
    quietly $build/kernelcheck --list
    grep -q '^instruction sets: generic sse41 avx2' "$work/log"
    for kernel in row_moments col_gradsums vec_allsums row_affine; do quietly $build/kernelcheck --kernel $kernel; done
    quietly $build/test_norm_bits
}
