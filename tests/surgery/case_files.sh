#!/usr/bin/env bash
# case_files.sh PROGRAM CASES: the case files that are about surgery give what is right. Skipped where they are not.
set -eu
export EVENKEEL=$1
cases=$2
[ -d "$cases" ] || { echo "skipped: no $cases"; exit 77; }
# shellcheck source=tests/cli/lib.sh
. "$(cd "$(dirname "$0")" && pwd)/../cli/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for name in behind_lstm:LSTM behind_custom:com.acme.MyOp behind_quantize:QuantizeLinear; do
    file=${name%%:*} missing=${name#*:}
    evenkeel inspect "$cases/$file.onnx" >a
    contains a "folds into"
    evenkeel fold "$cases/$file.onnx" -o f.onnx >a
    contains a "norms     1 -> 0"
    contains a "proved    on 1 region "
    contains a "the whole model was not run: no $missing"
    evenkeel unfold f.onnx -o u.onnx --json >b
    contains b '"norms_after": 1'
    contains b '"passed": true'
    contains b '"whole": false'
    evenkeel convert "$cases/$file.onnx" --norm frozen -o c.onnx >c
    contains c "proved    on 1 region "
done
# A norm that opset 13 has no node for has switches all the same.
evenkeel freeze "$cases/layernorm13.onnx" --affine -o z.onnx >a
contains a "affine frozen"
evenkeel inspect z.onnx --json >b
contains b '"affine_frozen": true'
# One tensor for several norms, through Identity nodes, as PyTorch writes equal parameters.
evenkeel fold "$cases/identity_parameters.onnx" -o f.onnx >a
contains a "norms     2 -> 0"
contains a "and the whole model"
evenkeel models f.onnx >b
lacks b Identity
# A graph inside If reads what the convolution makes.
evenkeel fold "$cases/captured.onnx" --dry-run >a 2>/dev/null
contains a "is also read by a graph inside"
contains a "norms     1 -> 1"
evenkeel inspect "$cases/captured.onnx" >b
contains b "does not fold: the output of node 'cv' (Conv) is also read by a graph inside"
# Folding would overflow float16.
evenkeel fold "$cases/f16_fold_overflow.onnx" -o g.onnx >a 2>/dev/null
contains a "refused   bn: the folded weight or bias of node 'cv' (Conv) would not be finite in float16"
evenkeel inspect "$cases/f16_fold_overflow.onnx" >b
contains b "would not be finite in float16"
expect 1 evenkeel convert "$cases/f16_fold_overflow.onnx" --norm frozen -o h.onnx >a 2>b
contains b "none of 1 norm was converted: bn: its scale or bias would not be finite in float16"
missing h.onnx
# Refused by name, before memory is asked for.
expect 5 evenkeel fold "$cases/declared_8gib.onnx" -o i.onnx 2>a
contains a "input 'x0' of shape [2147483648]"
expect 3 evenkeel fold "$cases/wrong_type_reshape.onnx" -o i.onnx 2>a
contains a "wrong_type_reshape.onnx: "
contains a "(Reshape): "
missing i.onnx
