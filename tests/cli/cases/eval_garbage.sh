head -c 5000 "$EVENKEEL" > bad.onnx
evenkeel eval bad.onnx --data builtin:strokes:20
