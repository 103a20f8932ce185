#!/usr/bin/env bash
# wasm.sh [ROUNDS]: norms as WebAssembly under node beside the same as AVX2, one thread, in turns; each pass is the least
# of ROUNDS x 0.4 seconds. Needs build/release (scripts/test.sh --fast) and build/wasm (scripts/wasm.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5}
for program in build/release/norm_speed build/wasm/norm_speed.wasm; do
    [ -e "$program" ] || { echo "wasm: skipped, $program is not built" >&2; exit 77; }
done
for _ in $(seq "$rounds"); do
    build/release/norm_speed avx2 | sed 's/^/native /'
    node tests/wasm/run.mjs build/wasm/norm_speed.wasm | sed 's/^/wasm /'
done | awk '
    { where = $1; f = $(NF - 1); b = $NF; $1 = $(NF - 1) = $NF = ""; name = $0 }
    !((where, name) in forward) || f < forward[where, name] { forward[where, name] = f }
    !((where, name) in backward) || b < backward[where, name] { backward[where, name] = b }
    !(name in seen) { seen[name]; order[++count] = name }
    END {
        printf "%-28s %12s %12s %8s %12s %12s %8s\n", "microseconds", "forward AVX2", "wasm", "times", "backward", "wasm", "times"
        for (i = 1; i <= count; i++) {
            n = order[i]; f = forward["native", n]; g = forward["wasm", n]; b = backward["native", n]; c = backward["wasm", n]
            printf "%-28s %12.1f %12.1f %8.2f %12.1f %12.1f %8.2f\n", n, f, g, g / f, b, c, c / b
            sum += log(g / f); sums += log(c / b)
        }
        printf "%-28s %12s %12s %8.2f %12s %12s %8.2f\n", "geometric mean", "", "", exp(sum / count), "", "", exp(sums / count)
    }'
