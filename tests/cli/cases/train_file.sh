# A file goes on from where it is, keeps its mean, and refuses what only a new model can have.
train_tiny -o a.onnx > out
evenkeel train --data builtin:strokes:400 --limit 128 --model a.onnx --steps 2 --lr 0.001 -q -o b.onnx > out
strings_of() { grep -aoE '0\.[0-9]{6,9}' "$1" | head -2; }
[ "$(strings_of a.onnx)" = "$(strings_of b.onnx)" ] || die "mean and deviation of the file changed"
expect 2 evenkeel train "${tiny_data[@]}" --model a.onnx --norm group -q -o c.onnx 2> message
contains message "--norm is for built-in models"
expect 4 evenkeel train "${tiny_data[@]}" --model none.onnx -q -o c.onnx 2> message
contains message none.onnx
missing c.onnx
