head -c 5000 "$EVENKEEL" > m.onnx
evenkeel eval m.onnx --data builtin:strokes:20
