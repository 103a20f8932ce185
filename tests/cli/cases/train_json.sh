evenkeel train "${tiny_data[@]}" --model lenet --epochs 2 --profile --json -o m.onnx > result 2> lines
for key in file accuracy loss steps images images_per_second skipped_updates parameters epochs profile; do
    contains result "\"$key\": "
done
contains result '"normalization": {'
contains result '"steps": 8'
[ "$(wc -l < lines)" -eq 2 ] || die "progress is not one line per epoch: $(cat lines)"
contains lines '{"event": "epoch", "epoch": 2, "step": 8, '
