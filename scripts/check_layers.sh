#!/bin/sh
# check_layers.sh [BUILD]: refuses what goes up. The table is that of ARCHITECTURE.md ("The house"): each room and what
# it needs, of rooms above it in the table; a room in parentheses, and "public headers" of all of src, through public
# functions only (ek_...). Checked are the includes and, given a build folder, the symbols of the object files there.
set -eu
cd "$(dirname "$0")/.."
build=${1:-}

status=0
fail() {
    echo "layers: $1" >&2
    status=1
}

# "row FOLDER ROOM NEEDS..." for each row of the table.
table() {
    awk '/^(src|apps)\/[a-z]+\/  / {
        split($1, path, "/"); n = split($0, column, /   */); gsub(/,/, "", column[n])
        print "row", path[1], path[2], column[n]
    }' ARCHITECTURE.md
}

# "include ROOM FILE HEADER" for each include of another folder.
includes() {
    grep -rHE '^ *# *include *"[^"]*/' src apps --include='*.[ch]' |
        sed -E 's#^([a-z]+)/([a-z]+)/([^:]*):.*"([^"]*)".*#include \2 \1/\2/\3 \4#'
}

# "object ROOM OBJECT" for each line of BUILD/rooms.txt, then "symbol OBJECT: NAME TYPE ..." for each of its symbols.
symbols() {
    sed 's/^/object /' "$build/rooms.txt"
    cut -d ' ' -f 2- "$build/rooms.txt" | tr '\n' '\0' | xargs -0 "${NM:-nm}" -AgP | sed 's/^/symbol /'
}

if [ -n "$build" ]; then
    missing=$(cut -d ' ' -f 2- "$build/rooms.txt" | while read -r object; do [ -e "$object" ] || echo "$object"; done)
    [ -z "$missing" ] || { fail "not built: $missing"; exit 1; }
fi
found=$({ table; includes; [ -z "$build" ] || symbols; } | awk -f scripts/lib/layers.awk) || status=1
[ -z "$found" ] || fail "$found"
for folder in src/*/ apps/*/; do
    grep -q "^$folder  " ARCHITECTURE.md || fail "$folder is not in the table of ARCHITECTURE.md"
done

only_in() { # pattern, folder, what
    found=$(grep -rlE "$1" src apps --include='*.[ch]' | grep -vE "^$2/" || true)
    [ -z "$found" ] || fail "$3 may be included only in $2, not in: $found"
}
only_in '# *include *[<"](oneapi/dnnl/)?dnnl[_a-z]*[.]h' '(src/dnnl|apps/bench)' "oneDNN"
only_in '# *include *[<"](protobuf-c|onnx/onnx.pb-c)' src/onnx "protobuf-c"
only_in '# *include *[<"]mpi\.h' src/dist "MPI"
only_in '# *include *<([a-z]*intrin|arm_neon|wasm_simd128)\.h>' src/kernel/simd "intrinsics"

twice=$(for tree in src apps; do find $tree -name '*.c' -exec basename {} \; | sort | uniq -d; done)
[ -z "$twice" ] || fail "file names used twice: $twice; a name in a message or a comment should mean one file"
[ "$status" -eq 0 ] && echo "layers: every include${build:+ and symbol} goes down, every file name is used once"
exit $status
