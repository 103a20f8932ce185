train_tiny -o m.onnx > out
evenkeel eval m.onnx "${tiny_data[@]}" --json
