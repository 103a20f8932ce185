train_tiny -o m.onnx > out
expect 2 evenkeel unfold m.onnx 2> a; contains a "--output is missing"
expect 4 evenkeel unfold none.onnx --dry-run 2> b; contains b "none.onnx"
expect 2 evenkeel unfold m.onnx --dry-run --pattern 'x*' 2> c; contains c "no convolution matches 'x*'"
expect 4 evenkeel unfold m.onnx --dry-run --data nowhere 2> d; contains d nowhere
# What a pattern asks for and is refused everywhere; without one, what can be done is done. A norm that is there is as was asked.
file=/usr/share/libonnx-testdata/data/node/test_basic_conv_with_padding/model.onnx
if [ -e "$file" ]; then
    expect 1 evenkeel unfold "$file" --pattern '*' -o n.onnx > g 2> h
    contains h "none of 1 convolution was unfolded: y: its weight is no constant"
    missing n.onnx
    evenkeel unfold "$file" -o n.onnx > g
    same "$file" n.onnx
fi
evenkeel unfold m.onnx --pattern '*' -o k.onnx > i
contains i "kept "
# Measured norms change rounding, which a tolerance of nothing refuses.
evenkeel fold m.onnx -o f.onnx > out
expect 1 evenkeel unfold f.onnx "${tiny_data[@]}" --tolerance 0 -o u.onnx > e 2> f
contains f "nothing was written"
missing u.onnx
