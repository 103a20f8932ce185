train_tiny --norm group:2 --opset 17 -o m.onnx > out
only m.onnx m.onnx.state out
lacks m.onnx GroupNormalization
evenkeel eval m.onnx "${tiny_data[@]}" --json > result
contains result '"accuracy"'
train_tiny --norm group:2 -o n.onnx > out
contains n.onnx GroupNormalization
evenkeel train --resume n.onnx --opset 17 -o o.onnx -q > out
lacks o.onnx GroupNormalization
evenkeel train --resume m.onnx -o p.onnx -q > out
lacks p.onnx GroupNormalization
