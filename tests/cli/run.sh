#!/usr/bin/env bash
# run.sh PROGRAM [CASE...]: runs the cases (all by default), each in an empty folder of its own.
#
# A case is cases/NAME.sh, run with `bash -eu` after lib.sh, with $EVENKEEL the program. Beside it, each optional:
#   NAME.exit     the exit status (default 0)
#   NAME.stdout   a glob for the whole of standard output (default: anything)
#   NAME.stderr   the same for standard error
set -u
here=$(cd "$(dirname "$0")" && pwd)
export EVENKEEL=$1 CLI_TESTS=$here
shift
cases=("$@")
if [ $# -eq 0 ]; then
    for file in "$here"/cases/*.sh; do cases+=("$(basename "$file" .sh)"); done
fi
unset OMP_NUM_THREADS OMP_WAIT_POLICY EVENKEEL_ISA COLUMNS
export NO_COLOR=1 LC_ALL=C

matches() { # what file: compares $work/what with the glob in file
    [ -e "$2" ] || return 0
    local actual pattern
    actual=$(<"$work/$1")
    pattern=$(<"$2")
    # shellcheck disable=SC2053
    [[ $actual == $pattern ]] && return 0
    printf '%s: %s is not as expected\n--- expected (glob)\n%s\n--- actual\n%s\n' "$name" "$1" "$pattern" "$actual"
    return 1
}

failed=()
for name in "${cases[@]}"; do
    work=$(mktemp -d)
    mkdir "$work/folder"
    (cd "$work/folder" && timeout 120 bash -eu -c '. "$1"; . "$2"' case "$here/lib.sh" "$here/cases/$name.sh") \
        >"$work/stdout" 2>"$work/stderr" </dev/null
    status=$?
    expected=0
    [ ! -e "$here/cases/$name.exit" ] || expected=$(<"$here/cases/$name.exit")
    good=1
    if [ "$status" -ne "$expected" ]; then
        echo "$name: exit status $status, expected $expected"
        sed 's/^/    /' "$work/stdout" "$work/stderr" | tail -20
        good=0
    fi
    matches stdout "$here/cases/$name.stdout" || good=0
    matches stderr "$here/cases/$name.stderr" || good=0
    if grep -F '\x' "$work/stdout" "$work/stderr"; then
        echo "$name: text of our own is shown escaped"
        good=0
    fi
    [ "$good" -eq 1 ] || failed+=("$name")
    rm -rf "$work"
done
echo "${#cases[@]} cases, ${#failed[@]} failed${failed[*]:+: ${failed[*]}}"
[ "${#failed[@]}" -eq 0 ]
