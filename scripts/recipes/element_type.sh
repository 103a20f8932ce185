# An element type of 16 bits: six bits of exponent and nine of digits.
title="an element type"
targets="test_norm_convert test_norm_halves test_norm_errors kernelcheck"

plant() {
    sed -i 's/^    EK_BF16 = 16 /    EK_E6M9 = 99, \/* six bits of exponent, nine of digits *\/\n&/' include/evenkeel/status.h
    quietly bash scripts/reference.sh
    sed -i 's/^    ROW(with, f16, F16, 2)$/    ROW(with, f16, F16, 2) ROW(with, e6m9, E6M9, 2)/' src/kernel/data_types.h
    sed -i '0,/^#endif$/s|^#endif$|@|' src/kernel/data.h # behind the others
    cat >"$work/e6m9" <<'END2'
#elif defined(EK_DATA_e6m9)
typedef uint16_t element;
static inline uint32_t e6m9_bits(float a) {
    uint32_t bits;
    memcpy(&bits, &a, sizeof bits);
    return bits;
}
static inline float e6m9_float(uint32_t bits) {
    float a;
    memcpy(&a, &bits, sizeof a);
    return a;
}
static inline float e6m9_widen(uint16_t a) {
    uint32_t exponent = a & 0x7e00, digits = a & 0x1ff, sign = (uint32_t)(a & 0x8000) << 16;
    uint32_t normal = ((uint32_t)(a & 0x7fff) << 14) + (exponent == 0x7e00 ? 192u << 23 : 96u << 23);
    uint32_t quiet = exponent == 0x7e00 && digits != 0 ? 1u << 22 : 0;
    return e6m9_float(sign | (exponent == 0 ? e6m9_bits((float)digits * 0x1p-39f) : normal | quiet));
}
static inline uint16_t e6m9_narrow(float a) {
    uint32_t bits = e6m9_bits(a), size = bits & 0x7fffffff, sign = bits >> 16 & 0x8000;
    uint32_t normal = (size + 0x1fff + (size >> 14 & 1) - (96u << 23)) >> 14;
    uint32_t small = e6m9_bits(e6m9_float(size) + 0x1p-16f) - e6m9_bits(0x1p-16f);
    uint32_t finite = size < 97u << 23 ? small : normal;
    return (uint16_t)(sign | (size > 0x7f800000 ? 0x7f00 : finite > 0x7e00 ? 0x7e00 : finite));
}
static __attribute__((noinline, unused)) f32x16 data_of(h16 a) {
    uint16_t from[16];
    float to[16];
    half_store(from, a);
    for (int i = 0; i < 16; i++) to[i] = e6m9_widen(from[i]);
    return f32x16_load(to);
}
static __attribute__((noinline, unused)) h16 data_to(f32x16 a) {
    uint16_t to[16];
    float from[16];
    f32x16_store(from, a);
    for (int i = 0; i < 16; i++) to[i] = e6m9_narrow(from[i]);
    return half_load(to);
}
#endif
END2
    sed -i -e "/^@\$/r $work/e6m9" -e '/^@$/d' src/kernel/data.h
    sed -i 's/^#include "kernel\/simd\/simd.h"$/&\n#include <string.h>/' src/kernel/data.h
    after tests/support/half_ref.c '\[EKI_F16\] = ' '    [EKI_E6M9] = {9, -30, 31},'
}

check() {
    quietly $build/test_norm_convert
    quietly $build/test_norm_halves
    quietly $build/test_norm_errors
    for kernel in widen narrow row_affine col_gradaffine vec_allsums; do quietly $build/kernelcheck --kernel $kernel; done
    quietly bash scripts/reference.sh --check
}
