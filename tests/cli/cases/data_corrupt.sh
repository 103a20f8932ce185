# IDX files with an end missing, and rubbish, are named errors.
mkdir d
{ bytes 00 00 08 03 00 00 00 05 00 00 00 1c 00 00 00 1c; zeros 1000; } > d/train-images-idx3-ubyte
{ bytes 00 00 08 01 00 00 00 05; zeros 5; } > d/train-labels-idx1-ubyte
expect 3 evenkeel train --data d -o m.onnx 2> a
contains a train-images-idx3-ubyte
{ bytes 00 00 08 03 00 00 00 05 00 00 00 1c 00 00 00 1c; zeros 3920; } > d/train-images-idx3-ubyte
{ bytes 00 00 08 01 00 00 00 04; zeros 4; } > d/train-labels-idx1-ubyte
expect 3 evenkeel train --data d -o m.onnx 2> b
contains b labels
echo rubbish > x.npy
expect 3 evenkeel train --data x.npy,x.npy -o m.onnx 2> c
contains c x.npy
missing m.onnx
