# What goes wrong says what to do, and is said before anything is computed.
model m.onnx
expect 2 evenkeel train --data builtin:strokes:100 -o o.onnx --model resnet 2> err
contains err "did you mean 'resnet20'?"
expect 4 evenkeel train --data builtin:strokes:100 -o none/o.onnx 2> err
contains err "cannot write none/o.onnx: its folder does not exist; make it first"
expect 2 evenkeel train --data builtin:strokes:100 -o o.onnx --steps 1 --opset 12 > out 2> err
contains err "opset 12 cannot be written: choose one from 17 to 23"
lacks err "epoch 1/1"
lacks out accuracy
evenkeel train --data builtin:strokes:100 --model lenet --norm group:5 --steps 1 -o o.onnx > out 2> err
contains err "gn1: 3 groups, since 5 do not divide its 6 channels"
evenkeel train --data builtin:strokes:100 --model lenet --norm group:2 --steps 1 -o o.onnx > out 2> err
lacks err "do not divide"
expect 2 evenkeel convert m.onnx --norm group:x -o o.onnx 2> err
contains err "the number of groups, from 1 to 1000000, is expected after the colon"
zeros 4704 | npy rgb.npy '|u1' '2, 3, 28, 28'
bytes 00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 | npy labels.npy '<i8' '2,'
evenkeel eval m.onnx --data rgb.npy,labels.npy > out 2> err
contains err "rgb.npy,labels.npy: colour images, taken as gray for the model"
zeros 3136 | npy x.npy '<f4' 1,1,28,28
expect 2 evenkeel run m.onnx -i x.npy -o a.npy -o b.npy 2> err
contains err "the model has 1 output only; NAME=b.npy writes any other value"
EVENKEEL_ISA=avx1024 evenkeel env > out 2> err
contains err 'EVENKEEL_ISA caps nothing: isa is "avx1024", expected "generic"'
EVENKEEL_ISA=generic evenkeel env > out 2> err
lacks err EVENKEEL_ISA
yes | head -c 31360 | tr 'y\n' '\377\377' | npy nan.npy '<f4' 10,1,28,28
{ for i in 0 1 2 3 4 5 6 7 8 9; do bytes 0$i 00 00 00 00 00 00 00; done; } | npy ten.npy '<i8' 10,
expect 6 evenkeel train m.onnx --data nan.npy,ten.npy --steps 1 -o o.onnx 2> err
contains err "check the data"
lacks err "learning rate 0."
