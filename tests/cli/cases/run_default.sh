# An initializer that the graph lists among its inputs (b) may be fed; one that it does not list (c) may not.
# y = x + b, x of N numbers, b = 1.
bytes 08 08 12 00 3a 66 0a 0e 0a 01 78 0a 01 62 12 01 79 22 03 41 64 64 12 01 67 2a 0d 08 01 10 01 42 01 62 4a 04 00 00 80 3f \
    2a 0d 08 01 10 01 42 01 63 4a 04 00 00 80 3f 5a 10 0a 01 78 12 0b 0a 09 08 01 12 05 0a 03 12 01 4e 5a 0f 0a 01 62 12 0a 0a \
    08 08 01 12 04 0a 02 08 01 62 10 0a 01 79 12 0b 0a 09 08 01 12 05 0a 03 12 01 4e 42 04 0a 00 10 0d > m.onnx
zeros 12 | npy x.npy '<f4' 3,
bytes 00 00 20 41 | npy ten.npy '<f4' 1,
zeros 12 | npy three.npy '<f4' 3,
zeros 8 | npy whole.npy '<i8' 1,
evenkeel run m.onnx -i x.npy > out; contains out "y  f32 3  min 1  mean 1  max 1"
evenkeel run m.onnx -i x.npy -i b=ten.npy > out; contains out "min 10  mean 10  max 10"
evenkeel run m.onnx -i b=ten.npy -i x=x.npy > out; contains out "min 10  mean 10  max 10"
expect 3 evenkeel run m.onnx -i x.npy -i b=three.npy 2> err; contains err "input 'b' has shape [3], the model wants [1]"
expect 3 evenkeel run m.onnx -i x.npy -i b=whole.npy 2> err; contains err "input 'b' is int64, the model wants float32"
expect 2 evenkeel run m.onnx -i x.npy -i c=ten.npy 2> err; contains err "an initializer that the graph does not list among its inputs; the model takes x"
expect 2 evenkeel run m.onnx -i x.npy -i d=ten.npy 2> err; contains err "no input of that name to feed"
expect 4 evenkeel run m.onnx -i x.npy -i b=none.npy 2> err; contains err "none.npy"
