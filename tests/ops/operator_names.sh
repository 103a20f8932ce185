#!/usr/bin/env bash
# operator_names.sh SOURCE PROGRAM: ops.def is the only list of operator names: no other C file of src/ or apps/ holds one
# as a literal, or compares op_type with a text. PROGRAM (test_op_table list) prints the names.
set -u
cd "$1" || exit 1
names=$("$2" list | cut -d' ' -f1 | paste -sd'|')
search() { # folder...
    grep -rnE "\"($names)\"|str(n?cmp|str)\([^;]*op_type" "$@" --include='*.[ch]' |
        grep -vE 'ops/ops\.def|onnx/graph\.h|/infer\.c|/diff_nodes\.c'
}
folders=(src apps)
found=$(search "${folders[@]}" | grep -v '/study/') && { echo "$found"; echo "ask src/ops instead"; exit 1; }
planted=$(mktemp -d)
trap 'rm -rf "$planted"' EXIT
echo 'static int f(const eki_node *n) { return !strcmp(n->op_type, "Relu"); }' >"$planted/planted.c"
search "$planted" >/dev/null || { echo "a planted name is not found"; exit 1; }
echo "no operator names outside the table"
