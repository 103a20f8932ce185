# Parameters that are constants, though not initializers that the norm reads: folded, and shared ones said to be.
case_files
fold() { evenkeel fold "$files/$1.onnx" -o "$1.onnx" --timed 0 > "$1"; evenkeel inspect "$1.onnx" > seen; }
fold constant_floats
contains constant_floats "folded    bn: into node 'cv' (Conv)"
contains constant_floats "and the whole model"
contains seen "1 nodes, 0 norms"
fold identity_parameters
contains identity_parameters "norms     2 -> 0"
contains identity_parameters "its scale is one tensor with the scale of /b1/BatchNormalization"
contains seen "3 nodes, 0 norms"
evenkeel inspect "$files/identity_parameters.onnx" > seen
lacks seen "no constant"
# Statistics for each position are statistics for each channel where there are no other axes.
fold spatial0_rank2
contains spatial0_rank2 "folded    bn: into node 'fc' (Gemm)"
evenkeel convert "$files/spatial0_rank2.onnx" --opset 9 -o s9.onnx > out
contains out "relative difference 0 on 3 random inputs"
expect 1 evenkeel diff "$files/spatial0_rank2.onnx" s9.onnx > listed
contains listed "bn: spatial: 0 -> none"
