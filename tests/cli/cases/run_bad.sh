model m.onnx
zeros 6272 | npy x.npy '<f4' 2,1,28,28
zeros 6272 | npy wrong.npy '<f4' 2,28,28,1
zeros 12544 | npy double.npy '<f8' 2,1,28,28
expect 2 evenkeel run m.onnx 2> a; contains a "an input is missing"; contains a "x1x28x28"
expect 2 evenkeel run m.onnx -i x.npy -i x.npy 2> b; contains b "one input too many"
expect 3 evenkeel run m.onnx -i wrong.npy -o y.npy 2> c; contains c "28"
expect 3 evenkeel run m.onnx -i double.npy -o y.npy 2> d; contains d "float64"
expect 4 evenkeel run m.onnx -i none.npy -o y.npy 2> e; contains e none.npy
expect 4 evenkeel run m.onnx -i x.npy -o none/y.npy 2> f; contains f none/y.npy
head -c 3000 x.npy > short.npy
expect 3 evenkeel run m.onnx -i short.npy -o y.npy 2> g; contains g short.npy
missing y.npy
expect 2 evenkeel run m.onnx -i bn1.scale=x.npy -o y.npy 2> h; contains h "does not list among its inputs; the model takes input (f32"
expect 2 evenkeel run m.onnx -i x.npy -o nothing=y.npy 2> i; contains i "evenkeel models FILE.onnx lists them"
