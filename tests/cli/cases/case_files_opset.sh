# Norms that a file has written out: seen, and written back as they are, at the opset and IR version that they came with.
case_files
for name in torch_groupnorm17 rms17; do
    evenkeel freeze "$files/$name.onnx" --affine -o f.onnx > out
    differs "$files/$name.onnx" f.onnx 'metadata  *evenkeel\.freeze\..*: added .affine.'
    [ "$(ir f.onnx)" = "$(ir "$files/$name.onnx")" ] || die "$name: another IR version"
    evenkeel inspect f.onnx > seen
    contains seen "opset ${name: -2}"
done
evenkeel fold "$files/torch_groupnorm17.onnx" -o g.onnx --timed 0 > out
evenkeel inspect g.onnx > seen
contains seen "opset 17, 13 nodes, 1 norms"
differs "$files/torch_groupnorm17.onnx" g.onnx 'node-removed  *(Identity_0|/b/.*): .*' 'node  */c/Conv: .*' \
    'tensor  *c.weight: .*' 'tensor-removed  *b\..*' 'tensor-added  */b/BatchNormalization_output_0.bias: .*'
evenkeel unfold "$files/torch_groupnorm17.onnx" --pattern '*c2*' -o u.onnx > out
differs "$files/torch_groupnorm17.onnx" u.onnx 'node  */c2/Conv: output 0: .*' 'node-added  */c2/Conv.norm: .*' \
    'tensor-added  */c2/Conv_output_0.norm\..*'
for file in g.onnx u.onnx; do
    [ "$(ir $file)" = "$(ir "$files/torch_groupnorm17.onnx")" ] || die "$file: another IR version"
done
evenkeel fold "$files/layernorm13.onnx" -o l.onnx --timed 0 > out
same "$files/layernorm13.onnx" l.onnx
evenkeel inspect l.onnx > seen
contains seen "opset 13"
contains seen "1 norms"
grep -qE '^y +layer +C=8 +eps=1e-05 ' seen || die "$(cat seen)"
evenkeel inspect "$files/rms17.onnx" > seen
grep -qE '^y +rms +C=8 +eps=1e-06 ' seen || die "$(cat seen)"
