#!/bin/sh
# planted_dead.sh CC SOURCE: of three functions one is called by another object, one by its own source alone, where the call
# is inlined, and one by nobody; scripts/dead_code.sh must refuse that one, and nothing once it is called.
set -eu
cc=$1 source=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/CMakeFiles/ek_planted.dir" "$folder/program"

cat >"$folder/planted.c" <<'END'
int eki_planted_called(int a), eki_planted_inlined(int a);
int eki_planted_inlined(int a) { return a + 1; }
int eki_planted_called(int a) { return eki_planted_inlined(a); }
/* eki_planted_dead is spoken of, and eki_planted_dead again. */
int eki_planted_dead(int a) { return a + 2; }
END
echo "planted $folder/CMakeFiles/ek_planted.dir/planted.c.o" >"$folder/rooms.txt"
build() { # with a program that calls the functions FUNCTION...
    "$cc" -O2 -c "$folder/planted.c" -o "$folder/CMakeFiles/ek_planted.dir/planted.c.o"
    printf 'int %s(int a);\n' "$@" >"$folder/program.c"
    printf 'int calls(void) { return 0'>>"$folder/program.c"
    printf ' + %s(1)' "$@" >>"$folder/program.c"
    printf '; }\n' >>"$folder/program.c"
    "$cc" -O2 -c "$folder/program.c" -o "$folder/program/program.c.o"
}

build eki_planted_called
if CC=$cc "$source/scripts/dead_code.sh" "$folder" >"$folder/out" 2>&1; then
    cat "$folder/out"
    echo "not seen: eki_planted_dead" >&2
    exit 1
fi
[ "$(cat "$folder/out")" = "nothing calls eki_planted_dead of $folder/planted.c: remove it" ] || { cat "$folder/out"; exit 1; }
build eki_planted_called eki_planted_dead
CC=$cc "$source/scripts/dead_code.sh" "$folder" | grep -q 'none of 3 internal functions'
echo "dead code: a planted function is seen"
