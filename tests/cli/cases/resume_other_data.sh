train_tiny -o m.onnx > out
zeros 7840 | npy x.npy '|u1' 10,1,28,28
bytes 00 01 02 03 04 05 06 07 08 09 | npy y.npy '|u1' 10
expect 3 evenkeel train --resume m.onnx --data x.npy,y.npy 2> message
contains message "is not the data of the checkpoint"
