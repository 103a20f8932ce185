# The file to write may be the one that is read: the same bytes as in another file, and nothing beside it.
train_tiny -o m.onnx > out
rm m.onnx.state out
same_as() { # COMMAND...: in place and elsewhere
    cp m.onnx place.onnx
    evenkeel "$1" m.onnx "${@:2}" -q -o other.onnx > out 2> message
    evenkeel "$1" place.onnx "${@:2}" -q -o place.onnx > out 2> message
    rm out message
    same place.onnx other.onnx
    only m.onnx other.onnx place.onnx
}
same_as fold --timed 0
same_as freeze --all
same_as convert --norm frozen
same_as convert --opset 21
same_as recalibrate --data builtin:strokes:100
same_as unfold
