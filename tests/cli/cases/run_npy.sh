model m.onnx
zeros 6272 | npy x.npy '<f4' 2,1,28,28
evenkeel run m.onnx --input x.npy > summary
contains summary "f32 2x10"
evenkeel run m.onnx -i x.npy -o y.npy --json > result
contains result '"file": "y.npy"'
contains y.npy "'shape': (2, 10)"
name=$(sed -n 's/^      "name": "\(.*\)",$/\1/p' result)
evenkeel run m.onnx --input input=x.npy --output "$name=z.npy" > out
same y.npy z.npy
[ "$(wc -c < y.npy)" -eq 208 ] || die "y.npy has $(wc -c < y.npy) bytes"
