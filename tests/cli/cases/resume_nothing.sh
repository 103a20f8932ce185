expect 4 evenkeel train --resume none.onnx 2> a
contains a none.onnx
expect 2 evenkeel train --resume 2> b
contains b "from which file"
train_tiny -o m.onnx > out
rm m.onnx.state
status=0
evenkeel train --resume m.onnx 2> c || status=$?
[ "$status" -eq 3 ] || [ "$status" -eq 4 ] || die "exit status $status"
contains c m.onnx.state
head -c 50 m.onnx > m.onnx.state
expect 3 evenkeel train --resume m.onnx 2> d
contains d m.onnx.state
