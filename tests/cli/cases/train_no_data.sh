evenkeel train --data nowhere -o m.onnx
