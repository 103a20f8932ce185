#!/bin/sh
# check_calls.sh [FOLDER]: refuses a call of an operator's functions past src/graph/call.c, which gives every error of theirs
# the names of node and file. Operators call each other (graph/op), whoever else reads a member of eki_op only compares it
# with NULL. FOLDER (src) is what is looked at.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-src}
functions='(infer|prepare|forward|backward|commit|release)'
found=$(find "$folder" -name '*.[ch]' -not -path '*/graph/call.c' -not -path '*/graph/op/*' | sort | while read -r file; do
    sed -E "s/\\bop(->|[.])$functions [!=]= NULL//g" "$file" |
        grep -nE "\\bop(->|[.])$functions\\b|\\beki_op_[A-Za-z]+_$functions\\(" |
        grep -vE '^[0-9]+:ek_status eki_op_[A-Za-z_]+\(eki_step \*step, ek_error \*err\);$' | sed "s|^|$file:|"
done)
[ -z "$found" ] || { echo "an operator's function is called past src/graph/call.c; its errors would have no name: $found" >&2; exit 1; }
echo "calls: operators are called in src/graph/call.c alone"
