#!/usr/bin/env bash
# planted.sh BUILD SOURCE: a page with a broken block must fail the test of pages, and each for its own reason; as it
# stands, the same part of the page passes.
set -eu
build=$1 source=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cases=0
die() {
    echo "planted: $*" >&2
    exit 1
}

try() { # PAGE: runs it, in a folder of its own
    cases=$((cases + 1))
    "$here/page.sh" "$build" "$source" "$1" "$work/folder$cases" >"$work/said" 2>&1
}
passes() { try "$1" || die "fails as it stands: $(cat "$work/said")"; }
breaks() { # PAGE SED-SCRIPT REASON
    sed "$2" "$1" >"$work/broken.md"
    ! cmp -s "$1" "$work/broken.md" || die "nothing to break: $2"
    ! try "$work/broken.md" || die "passes although broken: $2"
    grep -q -- "$3" "$work/said" || die "broken by $2, it says: $(cat "$work/said")"
}

sed -n '/^## The library/,/^## Building/p' "$source/README.md" >"$work/library.md"
passes "$work/library.md"
breaks "$work/library.md" 's/\.dy = dy, //' 'exit status 1, not 0: ./snippet'
breaks "$work/library.md" 's/ek_error err;//' "not 0: .*-Werror"
breaks "$work/library.md" 's/running mean 0.200/running mean 0.300/' 'does not show'

sed -n '/^## The tool/,/^## The library/p' "$source/README.md" | grep -v '^evenkeel \(train\|convert\|bench\|study\)' |
    sed 's/^samples \./&\nevenkeel train --data mnist-folder --model lenet --steps 1 -o m.onnx/' >"$work/tool.md"
passes "$work/tool.md"
breaks "$work/tool.md" 's/^samples /sample /' 'not 0: sample '
breaks "$work/tool.md" 's/--data mnist-folder --batch 7/--data mnist-fold --batch 7/' 'exit status 4, not 0: evenkeel eval'
breaks "$work/tool.md" 's/exit status 1/exit status 0/' 'exit status 1, not 0: evenkeel diff'
breaks "$work/tool.md" 's/^```sh/```/' 'without a language'
breaks "$work/tool.md" 's/^```sh/```fish/' 'no way to run'

printf '```console\n$ echo one two\none ...\n$ echo three\nthree\n```\n' >"$work/shown.md"
passes "$work/shown.md"
breaks "$work/shown.md" 's/^three/four/' 'does not show'
breaks "$work/shown.md" '$d' 'not closed'
echo "planted: $cases pages"
