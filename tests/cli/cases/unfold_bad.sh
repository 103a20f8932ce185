train_tiny -o m.onnx > out
expect 2 evenkeel unfold m.onnx 2> a; contains a "--output is missing"
expect 4 evenkeel unfold none.onnx --dry-run 2> b; contains b "none.onnx"
expect 2 evenkeel unfold m.onnx --dry-run --pattern 'x*' 2> c; contains c "no convolution matches 'x*'"
expect 4 evenkeel unfold m.onnx --dry-run --data nowhere 2> d; contains d nowhere
# Measured norms change rounding, which a tolerance of nothing refuses.
evenkeel fold m.onnx -o f.onnx > out
expect 1 evenkeel unfold f.onnx "${tiny_data[@]}" --tolerance 0 -o u.onnx > e 2> f
contains f "nothing was written"
missing u.onnx
