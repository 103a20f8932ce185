# Opsets, conventions and modes.
train_tiny --norm batch -o m.onnx > out
evenkeel convert m.onnx --opset 21 -o n.onnx > a
contains a "converted model: opset 21"
contains a "relative difference 0 on 3"
evenkeel inspect n.onnx > b
contains b "opset 21"
expect 2 evenkeel convert m.onnx --opset 5 --dry-run 2> c; contains c "it can be raised to 23"
evenkeel convert m.onnx --from torch -o t.onnx > d
contains d "momentum 0.9 -> 0.1"
evenkeel inspect t.onnx > e
contains e "looks like PyTorch's"
evenkeel convert t.onnx --from torch --torch-batch 32 --dry-run --json > f
contains f "variance x 0.99"
contains f '"passed": true'
evenkeel convert m.onnx --inference --dry-run > g
contains g "norms     "
# A group norm written back at 17.
evenkeel convert m.onnx --norm group:2 -o g21.onnx > out 2>&1
evenkeel convert g21.onnx --opset 17 -o g17.onnx > out
evenkeel models g17.onnx > h
contains h 17
