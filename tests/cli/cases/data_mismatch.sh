# Model and data that do not fit are refused, with both named.
model m.onnx
zeros 2352 | npy big.npy '|u1' 3,1,28,28
bytes 00 01 0b | npy labels.npy '|u1' 3
expect 3 evenkeel eval m.onnx --data big.npy,labels.npy 2> a
contains a "10 classes"
contains a "12 classes"
zeros 768 | npy small.npy '|u1' 3,1,16,16
bytes 00 01 09 | npy good.npy '|u1' 3
expect 3 evenkeel eval m.onnx --data small.npy,good.npy 2> b
contains b "1x28x28"
contains b "are each 1x16x16"
contains b "--size 28x28"
evenkeel eval m.onnx --data small.npy,good.npy --size 28x28 > out
contains out "of 3, the whole set)"
# Training on other classes begins with a new classifier, and says so.
evenkeel train --model m.onnx --data big.npy,labels.npy --steps 1 --batch 3 -o n.onnx > out 2> c
contains c "12 classes (were 10)"
