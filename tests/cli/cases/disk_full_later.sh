# The disk fills up after a good model: the good model stays, byte for byte.
train_tiny -o m.onnx > out
cp m.onnx keep; cp m.onnx.state keep.state
(
    ulimit -f 16
    expect 4 train_tiny --seed 2 -o m.onnx 2> message
)
same m.onnx keep; same m.onnx.state keep.state
only keep keep.state m.onnx m.onnx.state message out
