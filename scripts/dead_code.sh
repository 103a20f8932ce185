#!/usr/bin/env bash
# dead_code.sh BUILD: refuses internal functions (eki_) of the libraries that nothing calls: no object file of the libraries, the
# programs and the tests refers to it, nor, as a call may be inlined, does its own source, which is read without comments.
# CC is the compiler that reads it. BUILD is whole and optimized; its rooms.txt lists the object files of the libraries.
set -euo pipefail
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Lines "function object", and functions that are referred to.
[ -s "$build/rooms.txt" ] || { echo "dead code: $build has no rooms.txt: build it first" >&2; exit 1; }
cut -d' ' -f2 "$build/rooms.txt" | xargs nm -A --defined-only -g |
    sed -nE 's/^(.*\.o):[0-9a-f]+ T (eki_.*)$/\2 \1/p' | sort -u -k1,1 >"$folder/defined"
find "$build" -path "$build/live" -prune -o -name '*.o' -exec objdump -r {} + | # live: of another machine
    awk '$3 ~ /^eki_/ { sub(/[-+].*/, "", $3); print $3 }' | sort -u >"$folder/used"

dead=0
while read -r name object; do
    source=${object#*.dir/}
    source=${source%.o}
    source=${source#./}
    [ -e "$source" ] || source=$build/$source
    uses=$("${CC:-cc}" -fpreprocessed -E -P "$source" | grep -owE "$name" | wc -l)
    [ "$uses" -lt 2 ] || continue
    echo "nothing calls $name of $source: remove it" >&2
    dead=1
done < <(join -v 1 "$folder/defined" "$folder/used")
[ "$dead" -eq 0 ] || exit 1
echo "dead code: none of $(wc -l <"$folder/defined") internal functions is unused"
