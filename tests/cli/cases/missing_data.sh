expect 2 evenkeel eval m.onnx 2> eval
contains eval "Example: evenkeel eval m.onnx --data"
evenkeel train -o m.onnx
