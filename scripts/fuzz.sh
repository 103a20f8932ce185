#!/usr/bin/env bash
# fuzz.sh [SECONDS]: coverage-guided fuzzing with ASan and UBSan, by clang's libFuzzer: models by themselves (fuzz_model), models
# with images (fuzz_run), the files beside them (fuzz_files), losses (fuzz_loss), and an allocation that fails (fuzz_memory); 600 seconds in all
# unless said. Ends with the edges of the code reached, room by room, and
# with status 1 when something is found; the file that found it is named, and belongs into tests/fuzz/corpus once the
# fault is mended.
# fuzz.sh --planted [SECONDS]: the same with a fault put back (tests/fuzz/planted.c), which must be found.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib/setup.sh
planted=0
[ "${1:-}" != --planted ] || { planted=1; shift; }
seconds=${1:-600}
targets="fuzz_model fuzz_run fuzz_files fuzz_loss fuzz_memory"
[ "$planted" -eq 0 ] || targets=fuzz_planted
need_build_tools
need_packages clang
out=build/fuzz
cmake -S . -B "$out/libfuzzer" -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo -DEK_OPENMP=OFF \
    -DEK_SHARED_TESTS=OFF -DEK_FUZZ=ON -DEK_SANITIZE=address,undefined,fuzzer-no-link >/dev/null
# shellcheck disable=SC2086
build "$out/libfuzzer" --target $targets
export OMP_NUM_THREADS=1 EVENKEEL_ISA=generic
most=3000
if [ "$planted" -eq 1 ]; then # the write past the end is meant, not a size that nobody has
    most=0
    export ASAN_OPTIONS=allocator_may_return_null=1
fi

# fuzz TARGET SECONDS: until so much of the processor is used; 0 = nothing found
fuzz() {
    local folder=$out/$1 corpus="$out/$1/corpus" left=$2 used
    mkdir -p "$corpus" "$folder/found"
    "$out/libfuzzer/$1" --write "$corpus"
    [ "$planted" -eq 0 ] || rm -f "$corpus"/packed-*
    [ "$1" != fuzz_model ] && [ "$1" != fuzz_run ] || corpus="$corpus tests/fuzz/corpus"
    : >"$folder/log"
    while [ "$left" -gt 0 ]; do # libFuzzer counts the time that passes
        # shellcheck disable=SC2086
        used=$(TIMEFORMAT=%0U; { time "$out/libfuzzer/$1" -max_total_time="$left" -timeout=120 -rss_limit_mb="$most" \
            -malloc_limit_mb="${most/%3000/1024}" -max_len=65536 -reload=0 -print_final_stats=1 \
            -artifact_prefix="$folder/found/" $corpus >>"$folder/log" 2>&1; } 2>&1) || return 1
        left=$((left - used - 1))
    done
}

# reached TARGET: edges reached and there, of each room
reached() {
    "$out/libfuzzer/$1" -runs=0 -print_coverage=1 -max_len=65536 "$out/$1/corpus" 2>&1 |
        sed -nE 's/^(UN)?COVERED_FUNC: .*edges: ([0-9]+)\/([0-9]+) .*\/src\/([a-z]+)\/.*/\4 \2 \3/p' |
        awk '{ hit[$1] += $2; all[$1] += $3 } END { for (r in all) printf "  %-9s %6d of %6d edges\n", r, hit[r], all[r] }' | sort
}

if [ "$planted" -eq 1 ]; then
    rm -rf "$out/fuzz_planted"
    if fuzz fuzz_planted "$seconds"; then
        echo "the planted fault was not found in $seconds seconds" >&2
        exit 1
    fi
    grep -q 'AddressSanitizer\|runtime error' "$out/fuzz_planted/log" || { tail -40 "$out/fuzz_planted/log" >&2; exit 1; }
    echo "the planted fault was found after $SECONDS seconds, building included:"
    grep -m 3 'ERROR: AddressSanitizer\|runtime error\|Test unit written\|in fill\|eki_intake' "$out/fuzz_planted/log"
    exit 0
fi
bad=0
for target in $targets; do
    found=nothing
    fuzz "$target" $((seconds / 4)) || { found="a fault, see $out/$target/log"; bad=1; }
    runs=$(awk '/^stat::number_of_executed_units:/ { n += $2 } END { print n + 0 }' "$out/$target/log")
    echo "$target: $runs executions in at most $((seconds / 4)) seconds of processor time, found $found"
    [ "$found" = nothing ] || grep -m 3 'ERROR: \|runtime error\|Test unit written' "$out/$target/log" || true
    reached "$target"
done
exit "$bad"
