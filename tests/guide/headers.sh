#!/usr/bin/env bash
# headers.sh BUILD SOURCE: the examples in the comments of the public headers, compiled with warnings as errors and run.
# headers/NAME-K.c has what the K-th example of NAME.h takes as given; every example has one.
set -eu
build=$1 source=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
die() {
    echo "headers: $*" >&2
    exit 1
}

for header in "$source"/include/evenkeel/*.h; do
    awk -v folder="$work" -v name="$(basename "$header" .h)" -f "$here/headers.awk" "$header"
done
cd "$work"
for example in *.inc; do
    grep -qF "\"$example\"" "$here"/headers/*.c ||
        die "nothing includes $example; write tests/guide/headers/${example%.inc}.c round it:" "$(cat "$example")"
done
"$build/samples" .
programs=0
for program in "$here"/headers/*.c; do
    "${CC:-cc}" -std=c11 -Wall -Wextra -Werror -I"$source/include" -I"$here/headers" -I. "$program" -o program \
        -L"$build" -Wl,-rpath,"$build" -levenkeel -lm || die "does not compile: $program"
    ./program >printed || die "failed: $program" "$(cat printed)"
    programs=$((programs + 1))
done
echo "headers: $(ls ./*.inc | wc -l) examples in $programs programs"
