train_tiny -o m.onnx > out
cp m.onnx keep
expect 2 evenkeel train --resume m.onnx --norm group:2 --freeze 2> message
contains message "--norm is batch there, group:2 now"
contains message "--freeze is not set there"
same m.onnx keep
evenkeel train --data builtin:strokes:400 --resume --out m.onnx --batch 64 --lr 0.5 --epochs 1
