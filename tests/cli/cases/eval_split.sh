train_tiny -o m.onnx > out
evenkeel eval m.onnx "${tiny_data[@]}" --split train > a
contains a "of 256, training data)"
evenkeel eval m.onnx --data builtin:strokes:400 --split train --limit 10 > b
contains b "of 10, training data)"
