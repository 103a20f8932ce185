#!/bin/sh
# check_calls.sh [TREE]: refuses calls past the one place where something is seen to. TREE (this one) has src and apps.
#   src/graph/call.c gives every error of an operator the names of node and file. Operators call each other (graph/op);
#   whoever else reads a function in eki_op only compares it with NULL.
#   apps/evenkeel/print.c shows text out of files so that it steers no terminal; message.c and terminal.c are its kin.
set -eu
cd "${1:-$(dirname "$0")/..}"
status=0
refuse() { # what was found, why it may not be
    [ -z "$1" ] && return
    printf '%s\n%s\n' "$2:" "$1" >&2
    status=1
}

functions='(infer|prepare|forward|backward|commit|release)'
refuse "$(find src -name '*.[ch]' -not -path '*/graph/call.c' -not -path '*/graph/op/*' | sort | while read -r file; do
    sed -E "s/\\bop(->|[.])$functions [!=]= NULL//g" "$file" |
        grep -nE "\\bop(->|[.])$functions\\b|\\beki_op_[A-Za-z]+_$functions\\(" |
        grep -vE '^[0-9]+:ek_status eki_op_[A-Za-z_]+\(eki_step \*step, ek_error \*err\);$' | sed "s|^|$file:|"
done)" "an operator's function is called past src/graph/call.c; its errors would have no name"
refuse "$(grep -nHE '\b(printf|vprintf|puts|putchar)\(|\b(fprintf|vfprintf)\(std|\bfputs\(.*, std' apps/evenkeel/*.c |
    grep -vE '^apps/evenkeel/(print|message|terminal)\.c:')" "text is printed past apps/evenkeel/print.c, as it is in a file"
[ $status -eq 0 ] && echo "calls: operators are called in call.c alone, text is printed by print.c alone"
exit $status
