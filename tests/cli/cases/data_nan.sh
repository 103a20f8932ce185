# A NaN among the images: exit status 6, and no model.
{ zeros 6268; bytes 00 00 c0 7f; } | npy x.npy '<f4' 2,1,28,28
bytes 00 01 | npy y.npy '|u1' 2
expect 6 evenkeel train --data x.npy,y.npy --mean 0 --std 1 --model lenet --batch 2 -q -o m.onnx 2> message
missing m.onnx
cat message >&2
exit 6
