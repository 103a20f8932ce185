# Operators that nothing here can run stand behind a convolution and its norm: surgery works, each change proved where it is.
case_files
for name in behind_lstm behind_custom behind_quantize; do
    evenkeel fold "$files/$name.onnx" -o f.onnx > out
    contains out "folded    n: into"
    contains out "norms     1 -> 0"
    contains out "proved    on 1 region"
    contains out "the whole model was not run: no "
    evenkeel unfold f.onnx -o u.onnx > out
    contains out "norms     0 -> 1"
    contains out "proved    on 1 region"
    evenkeel convert "$files/$name.onnx" --norm frozen -o c.onnx > out
    contains out "converted n: a Mul and an Add"
    contains out "proved    on 1 region"
done
# A branch reads what the norm reads.
evenkeel inspect "$files/captured.onnx" > seen
contains seen "does not fold: the output of node 'cv' (Conv) is also read by a graph inside node"
evenkeel fold "$files/captured.onnx" -o f.onnx > out
contains out "refused   bn: the output of node 'cv' (Conv) is also read by a graph inside"
same "$files/captured.onnx" f.onnx
# Norms in a branch and in a loop have their paths, and a reason where they stay.
for pair in if_bn:y/then_branch/bn_then loop_bn:y/body/bn_loop; do
    evenkeel inspect "$files/${pair%%:*}.onnx" > seen
    contains seen "1 norms"
    contains seen "${pair#*:} "
    evenkeel fold "$files/${pair%%:*}.onnx" -o f.onnx > out
    contains out "refused   ${pair#*:}: no convolution or product beside it: it reads a graph input"
    same "$files/${pair%%:*}.onnx" f.onnx
done
