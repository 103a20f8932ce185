#!/usr/bin/env bash
# trust.sh SOURCE BUILD: every row of docs/trust.md names a place that holds its words, and a test of BUILD.
set -u
build=$(cd "$2" && pwd)
cd "$1" || exit 1
# What `ctest -N` reads.
tests=$(find "$build" -name CTestTestfile.cmake -exec sed -nE 's/^ *add_test\((\[=*\[|")?([^] "]+).*/\2/p' {} +)
rows=0 bad=0
complain() {
    echo "docs/trust.md:$what: $1"
    bad=$((bad + 1))
}
while IFS='|' read -r _ what place words test _; do
    place=${place// /} test=${test// /}
    words=${words#*\`} words=${words%\`*}
    case $place in tests/*) ;; *) continue ;; esac
    rows=$((rows + 1))
    grep -qF -- "$words" "$place" && [ -n "$words" ] || complain "$place does not hold: $words"
    grep -qxF -- "$test" <<<"$tests" || complain "there is no test '$test'"
done <docs/trust.md
echo "$rows rows, $bad wrong"
[ "$bad" -eq 0 ] && [ "$rows" -ge 50 ]
