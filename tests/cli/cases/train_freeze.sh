expect 2 train_tiny --freeze-stats=nothing -o m.onnx 2> message
contains message nothing
missing m.onnx
train_tiny --freeze -o m.onnx > out
contains m.onnx evenkeel.freeze.
contains m.onnx stats,affine
evenkeel train "${tiny_data[@]}" --model lenet --epochs 1 --freeze-affine --json -q -o n.onnx > result
lacks result '"frozen": 0,'
