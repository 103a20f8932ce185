/* vectors.h: loops made once for each width of vectors that processors have; which runs is decided where the program is
 * loaded. The bits are the same: a loop of independent elements, and no multiplication is joined with an addition. */
#ifndef EKI_VECTORS_H
#define EKI_VECTORS_H

/* Before a function with such a loop. What it calls must be inlined. Sanitizers come too late for the choice. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) &&                       \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__OPTIMIZE__)
#define EKI_VECTORS __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define EKI_VECTORS
#endif

#endif
