#!/usr/bin/env bash
# test.sh: everything that gates. On a fresh Debian 12 it installs what is missing, then: style, layers, build with
# warnings as errors by clang and gcc, all tests under ASan and UBSan, all tests optimized.
#   scripts/test.sh           all of it
#   scripts/test.sh --fast    the optimized build and its tests only
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib/setup.sh
. scripts/lib/gate.sh
EK_GATE=$(mktemp -d)
export EK_GATE
trap 'status=$?; verdict $status; rm -rf "$EK_GATE"' EXIT

fast=0
[ "${1:-}" = --fast ] && fast=1
jobs=$(nproc) # tests get one more, because some wait for time to pass

stage "packages" /nonexistent
need_build_tools
need_packages libcmocka-dev libopenmpi-dev openmpi-bin libmpich-dev mpich
need_command git git
need_command pgrep procps
need_command c++ g++
need_command make make
need_command zsh zsh
need_command fish fish

# Second runtimes and a browser for the tests that use them.
need_command node nodejs
need_command npm npm
need_command chromium chromium
need_packages python3-onnx libonnx-testdata ca-certificates
# Threads that spin while they wait slow each other down when tests run side by side.
export OMP_WAIT_POLICY=passive
export EK_NODE_MODULES="$PWD/build/node/node_modules"
if [ ! -d "$EK_NODE_MODULES/onnxruntime-node" ] || [ ! -d "$EK_NODE_MODULES/axe-core" ]; then
    say "installing onnxruntime-node, playwright-core and axe-core for the tests"
    mkdir -p build/node
    cp tests/package.json build/node/
    if ! (cd build/node && npm install --ignore-scripts --no-audit --no-fund --loglevel=error); then
        echo "npm could not install them; the tests that need them would be skipped" >&2
        [ -z "${CI:-}" ] || exit 1
    fi
fi

if [ "$fast" -eq 0 ]; then
    need_packages clang clang-format
    stage "style, layers, sizes" /nonexistent
    git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror
    scripts/check_layers.sh
    scripts/check_sizes.sh

    stage "clang, warnings as errors" build/clang
    quietly cmake --preset clang
    build --preset clang -j "$jobs"
    find build/clang -type f -perm -u+x -size +1M -delete # programs that nobody runs

    stage "ASan and UBSan" build/asan
    quietly cmake --preset asan
    build --preset asan -j "$jobs"
    tests build/asan -j "$((jobs + 1))" -LE slow

    stage "ThreadSanitizer: the norm library" build/tsan-norm
    scripts/tsan.sh "$jobs"

    stage "AArch64: the norm library under qemu" build/neon
    need_packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
    scripts/neon.sh "$jobs"

    stage "WebAssembly: the norm library under node" build/wasm
    scripts/wasm.sh "$jobs" || { [ $? -eq 77 ] && echo "  wasm: a package is missing and cannot be installed" >>"$EK_GATE/reasons"; }
fi

stage "gcc, warnings as errors, optimized" build/release
quietly cmake --preset release -DEK_WERROR=ON -DEK_TESTS=ON
build --preset release -j "$jobs"
tests build/release -j "$((jobs + 1))" -LE long
