#!/usr/bin/env bash
# trust.sh SOURCE: every row of docs/trust.md names a place that holds its words.
set -u
cd "$1"
rows=0 bad=0
while IFS='|' read -r _ what place words _; do
    place=${place// /}
    words=${words#*\`} words=${words%\`*}
    case $place in tests/*) ;; *) continue ;; esac
    rows=$((rows + 1))
    grep -qF -- "$words" "$place" && [ -n "$words" ] && continue
    echo "docs/trust.md:$what: $place does not hold: $words"
    bad=$((bad + 1))
done <docs/trust.md
echo "$rows rows, $bad wrong"
[ "$bad" -eq 0 ] && [ "$rows" -ge 50 ]
