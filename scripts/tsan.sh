#!/usr/bin/env bash
# tsan.sh: the norm library on POSIX threads under ThreadSanitizer: no data race. OpenMP is off, because its runtime is
# not instrumented and would be reported; the threads come through the seam.
#   scripts/tsan.sh [-a] [JOBS]     -a: all norm tests, not only those with threads
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib/setup.sh
. scripts/lib/gate.sh
chosen='norm_threads|norm_running|norm_sync|example'
if [ "${1:-}" = -a ]; then
    chosen='norm|example'
    shift
fi
jobs=${1:-$(nproc)}
quietly cmake --preset tsan -B build/tsan-norm -DEK_ENGINE=OFF -DEK_WERROR=ON
build build/tsan-norm -j "$jobs"
if build/tsan-norm/test_norm_threads --race >/dev/null 2>&1; then
    echo "tsan: a race on purpose was not found; the sanitizer does not work here" >&2
    exit 1
fi
tests build/tsan-norm -j "$jobs" -R "$chosen"
