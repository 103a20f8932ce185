#!/usr/bin/env bash
# bits.sh [CASES]: the same random norms (tests/norm/test_norm_random.c; 1000 of them) by every build that is there:
# build/release (all instruction sets of this processor, 1 to 7 threads), build/neon under qemu (scripts/neon.sh) and
# build/wasm under node (scripts/wasm.sh). Their hashes are compared one by one.
set -euo pipefail
cd "$(dirname "$0")/.."
export OMP_WAIT_POLICY=passive
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

hashes() { # name, program, what runs it
    local name=$1 program=$2
    shift 2
    [ -e "$program" ] || { echo "bits: $name: skipped, $program is not built"; return; }
    "$@" "$program" --list --cases "${cases}" >"$folder/$name" || { tail -n 2 "$folder/$name"; echo "bits: $name: failed" >&2; exit 1; }
    echo "bits: $name: $(sort -u "$folder/$name" | wc -l) cases"
    [ -e "$folder/first" ] || cp "$folder/$name" "$folder/first"
    diff "$folder/first" "$folder/$name" >"$folder/differ" ||
        { head -n 6 "$folder/differ"; echo "bits: $name has other bits than the first" >&2; exit 1; }
}
cases=${1:-1000}
hashes x86-64 build/release/test_norm_random
hashes AArch64 build/neon/test_norm_random qemu-aarch64 -L /usr/aarch64-linux-gnu
hashes WebAssembly build/wasm/test_norm_random.wasm node tests/wasm/run.mjs
echo "bits: equal"
