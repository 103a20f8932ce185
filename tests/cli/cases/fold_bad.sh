train_tiny --norm group:2 -o m.onnx > out
expect 2 evenkeel fold m.onnx 2> a; contains a "--output is missing"
expect 4 evenkeel fold m.onnx -o none/f.onnx 2> b; contains b "none/f.onnx"
expect 2 evenkeel fold m.onnx --dry-run --tolerance x 2> c; contains c "--tolerance"
expect 4 evenkeel fold none.onnx --dry-run 2> d; contains d "none.onnx"
evenkeel fold m.onnx --dry-run > e 2> f; contains f "No norm could be folded"
