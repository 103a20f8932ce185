# Images in another order, declared sizes, half precision, and a wrong type: fed, or refused with names.
case_files
data=(--data builtin:strokes:100)
evenkeel eval "$files/channels_last.onnx" "${data[@]}" > out 2>&1
contains out "channels last"
contains out "accuracy"
evenkeel recalibrate "$files/channels_last.onnx" "${data[@]}" -o r.onnx > out 2>&1
contains out "mean moved by"
differs "$files/channels_last.onnx" r.onnx 'tensor  *b1\.[mv]: .*'
evenkeel fold "$files/f16_fold_overflow.onnx" -o f.onnx > out
contains out "would not be finite in float16"
same "$files/f16_fold_overflow.onnx" f.onnx
evenkeel inspect "$files/f16_fold_overflow.onnx" > seen
contains seen "does not fold: "
expect 5 evenkeel fold "$files/declared_8gib.onnx" -o o.onnx 2> why
contains why "'x0' of shape [2147483648]"
for name in batch58 batch60; do
    expect 5 evenkeel recalibrate "$files/$name.onnx" "${data[@]}" -o o.onnx 2> why
    contains why "does not fit"
    expect 5 evenkeel inspect "$files/$name.onnx" "${data[@]}" 2> why > seen
    contains why "does not fit"
done
expect 3 evenkeel recalibrate "$files/i62.onnx" "${data[@]}" -o o.onnx 2> why
contains why "does not take"
expect 3 evenkeel fold "$files/wrong_type_reshape.onnx" -o o.onnx 2> why
contains why "wrong_type_reshape.onnx: node 'n1' (Reshape)"
missing o.onnx
