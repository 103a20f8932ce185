# Training data alone: said, and the accuracy is that of the training data.
mkdir d
{ bytes 00 00 08 03 00 00 00 10 00 00 00 1c 00 00 00 1c; head -c 12544 "$EVENKEEL"; } > d/train-images-idx3-ubyte
{ bytes 00 00 08 01 00 00 00 10; bytes 00 01 02 03 04 05 06 07 08 09 00 01 02 03 04 05; } > d/train-labels-idx1-ubyte
evenkeel train --data d --model lenet --epochs 1 --batch 8 -o m.onnx
