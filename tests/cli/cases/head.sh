# --head: the output that is meant. Another name is refused, and those that there are, are listed.
train_tiny -o m.onnx > out
name=$(evenkeel models m.onnx | sed -n 's/^output *\([^ ]*\) .*/\1/p')
[ -n "$name" ] || die "no output is listed"
expect 0 evenkeel eval m.onnx "${tiny_data[@]}" --json > first
expect 0 evenkeel eval m.onnx "${tiny_data[@]}" --json --head "$name" > named
contains named '"accuracy"'
[ "$(grep '"loss"' first)" = "$(grep '"loss"' named)" ] || die "the only output is another when it is named"
for command in eval recalibrate; do
    output=() && [ $command = eval ] || output=(-o o.onnx)
    expect 0 evenkeel $command m.onnx "${tiny_data[@]}" --head "$name" "${output[@]}" > out
done
expect 2 evenkeel eval m.onnx "${tiny_data[@]}" --head nothing 2> message
contains message "head 'nothing' is no output of the model; it has '$name'"
expect 2 evenkeel train m.onnx "${tiny_data[@]}" --head nothing --steps 1 -o t.onnx 2> message
contains message "it has '$name'"
missing t.onnx
expect 0 evenkeel train m.onnx "${tiny_data[@]}" --head "$name" --steps 1 -q -o t.onnx > out
expect 2 evenkeel train m.onnx "${tiny_data[@]}" --head "$name" --new-head --steps 1 -o u.onnx 2> message
contains message "leave out --head"
missing u.onnx
