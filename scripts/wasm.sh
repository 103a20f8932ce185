#!/usr/bin/env bash
# wasm.sh [-a] [JOBS]: the norm library for WebAssembly, as a module for JavaScript (build/wasm/evenkeel.wasm, for
# apps/web/evenkeel.mjs), and its tests under node: kernelcheck, the golden hashes, random norms, errors of sizes where
# size_t has 32 bits: the bits of x86-64. -a: all norm tests. Skipped, with exit status 77, where the Debian packages
# clang, lld, llvm (its ar), wasi-libc, libclang-rt-14-dev-wasm32 and nodejs neither are there nor can be installed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib/setup.sh
. scripts/lib/gate.sh
targets=(kernelcheck test_norm_bits test_norm_errors test_norm_golden test_norm_memory test_norm_random
    test_norm_random_FMA test_norm_random_ORDER module_cases norm_speed evenkeel_web)
chosen='^(kernelcheck|test_norm_(errors|golden|memory|random|random_FMA|random_ORDER)|module.*)$'
if [ "${1:-}" = -a ]; then
    targets=(all)
    chosen=.
    shift
fi
jobs=${1:-$(nproc)}
skip() { echo "wasm: skipped, $1"; exit 77; }
need() { # command, package
    need_command "$@" 2>/dev/null || skip "$1 of the package $2 is missing"
    command -v "$1" >/dev/null || skip "the package $2 has no $1"
}
need clang clang
need wasm-ld lld
need llvm-ar llvm
need node nodejs
need cmake cmake
need ninja ninja-build
need_packages wasi-libc libclang-rt-14-dev-wasm32 2>/dev/null ||
    skip "the packages wasi-libc and libclang-rt-14-dev-wasm32 are missing"
export EK_TEST_SHORT=1

quietly cmake -S . -B build/wasm -G Ninja --toolchain "$PWD/cmake/wasm32-wasi.cmake" -DEK_ENGINE=OFF -DEK_SHARED=OFF \
    -DEK_WERROR=ON
build build/wasm -j "$jobs" --target "${targets[@]}"
node tests/wasm/run.mjs build/wasm/test_norm_bits.wasm | grep '^wasm: compared' ||
    { echo "wasm: the kernels of WebAssembly were not compared with the generic ones" >&2; exit 1; }
echo "wasm: build/wasm/evenkeel.wasm, $(wc -c <build/wasm/evenkeel.wasm) bytes, $(gzip -9 <build/wasm/evenkeel.wasm | wc -c) packed"
tests build/wasm -j "$jobs" -LE slow -R "$chosen"
