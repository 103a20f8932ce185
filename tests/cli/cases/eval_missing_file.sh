evenkeel eval none.onnx --data builtin:strokes:20
