train_tiny -o m.onnx > out
expect 2 evenkeel recalibrate m.onnx -o r.onnx 2> a; contains a "--data is missing"
expect 2 evenkeel recalibrate m.onnx "${tiny_data[@]}" 2> b; contains b "--output is missing"
expect 2 evenkeel recalibrate m.onnx "${tiny_data[@]}" -o r.onnx --blend 1 2> c; contains c "--blend"
expect 4 evenkeel recalibrate m.onnx --data nowhere -o r.onnx 2> d; contains d "nowhere"
zeros 60 | npy x.npy '|u1' '5, 3, 2, 2'
zeros 40 | npy y.npy '<i8' '5,'
expect 3 evenkeel recalibrate m.onnx --data x.npy,y.npy -o r.onnx 2> e; contains e "images are 1x2x2"; contains e "taken as gray"
train_tiny --norm group:2 -o g.onnx > out
evenkeel recalibrate g.onnx "${tiny_data[@]}" --dry-run > out 2> f; contains f "no batch norm"
missing r.onnx
