train_tiny -o m.onnx > out
expect 2 evenkeel diff m.onnx 2> a; contains a "B.onnx"
expect 4 evenkeel diff m.onnx none.onnx 2> b; contains b "none.onnx"
head -c 1000 m.onnx > bad.onnx
expect 3 evenkeel diff bad.onnx m.onnx 2> c; contains c "bad.onnx"
