# Any beginning of a model is a named error or a model, never a crash.
model m.onnx
size=$(wc -c < m.onnx)
for cut in 0 1 2 10 100 $((size / 3)) $((size / 2)) $((size - 1000)) $((size - 1)); do
    head -c "$cut" m.onnx > bad.onnx
    status=0
    evenkeel eval bad.onnx "${tiny_data[@]}" > out 2> message || status=$?
    [ "$status" -eq 3 ] || die "cut at $cut: exit status $status: $(cat message)"
    contains message bad.onnx
done
