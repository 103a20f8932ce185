#!/usr/bin/env bash
# neon.sh [JOBS [all]]: the norm library and its tests, cross-compiled for AArch64 and run under qemu: the same bits as on
# x86-64 (tests/norm/golden.inc). Only the kernels differ by instruction set, so the gate runs what compares them with the
# generic ones and with the hashes; `all` runs every test, which takes minutes more. Skipped, with exit status 77, where
# compiler or emulator are missing: Debian packages gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib/setup.sh
. scripts/lib/gate.sh
for program in aarch64-linux-gnu-gcc qemu-aarch64 cmake ninja; do
    command -v "$program" >/dev/null || { echo "neon: skipped, $program is not installed"; exit 77; }
done
jobs=${1:-$(nproc)}
export OMP_WAIT_POLICY=passive EK_TEST_SHORT=1

quietly cmake -S . -B build/neon -G Ninja --toolchain "$PWD/cmake/aarch64-linux-gnu.cmake" -DEK_ENGINE=OFF \
    -DEK_WERROR=ON
build build/neon -j "$jobs"
# No fused multiply-add: it rounds once where the contract rounds twice.
if aarch64-linux-gnu-objdump -d build/neon/libevenkeel_norm.* | grep -E '\s(fmadd|fmsub|fnmadd|fnmsub|fmla|fmls)\s'; then
    echo "neon: a fused multiply-add in the library" >&2
    exit 1
fi
qemu-aarch64 -L /usr/aarch64-linux-gnu build/neon/test_norm_bits | grep '^neon: compared' >/dev/null ||
    { echo "neon: the NEON kernels were not compared with the generic ones" >&2; exit 1; }
kernels=(-R '^(kernelcheck|bounds|test_norm_(bits|golden|random|values|gradient|halves|convert|memory))$')
[ "${2:-}" != all ] || kernels=()
tests build/neon -j "$jobs" -LE slow "${kernels[@]}"
