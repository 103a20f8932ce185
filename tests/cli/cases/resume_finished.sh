train_tiny -o m.onnx > a
cp m.onnx keep
evenkeel train --resume m.onnx -q > b
same a b; same m.onnx keep
