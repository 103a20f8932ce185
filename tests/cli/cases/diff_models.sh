# Equal models end with 0; changed ones with 1, and say what changed.
train_tiny -o m.onnx > out
evenkeel diff m.onnx m.onnx > a
contains a equal
evenkeel fold m.onnx -o f.onnx > out
expect 1 evenkeel diff m.onnx f.onnx > b
contains b "node-removed"
contains b "tensor-removed"
contains b "relative difference"
expect 1 evenkeel diff m.onnx f.onnx --json > c
contains c '"equal": false'
contains c '"kind": "node-removed"'
evenkeel diff f.onnx f.onnx --json > d
contains d '"equal": true'
