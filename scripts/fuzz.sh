#!/usr/bin/env bash
# fuzz.sh [SECONDS]: coverage-guided fuzzing of load, inspect, fold, diff, unfold and convert with ASan and UBSan, by
# clang's libFuzzer; 600 seconds unless said. Ends with status 1 when something is found; the file that found it is named
# in the output, and belongs into tests/fuzz/corpus once the fault is mended.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib/setup.sh
seconds=${1:-600}
need_build_tools
need_packages clang
out=build/fuzz
quietly cmake -S . -B "$out/plain" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo
quietly cmake --build "$out/plain" --target fuzz_model
quietly cmake -S . -B "$out/libfuzzer" -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo -DEK_OPENMP=OFF -DEK_SHARED_TESTS=OFF \
    -DEK_FUZZ=ON -DEK_SANITIZE=address,undefined,fuzzer-no-link
quietly cmake --build "$out/libfuzzer" --target fuzz_model
mkdir -p "$out/corpus" "$out/found"
"$out/plain/fuzz_model" --write "$out/corpus"
"$out/libfuzzer/fuzz_model" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="$out/found/" "$out/corpus" tests/fuzz/corpus
