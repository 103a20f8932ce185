# Switches are shown, set and cleared in a file; nothing else changes; training keeps to them.
train_tiny --model cnn6 --limit 64 -o a.onnx > out
evenkeel freeze a.onnx > list
[ "$(grep -c 'of the data' list)" -eq 6 ] || die "$(cat list)"
evenkeel freeze a.onnx --stats --affine='bn[12]' --dry-run > plan
[ "$(grep -c '(changed)' plan)" -eq 6 ] || die "$(cat plan)"
lacks a.onnx evenkeel.freeze
evenkeel freeze a.onnx --stats --affine='bn[12]' -o b.onnx --json > json
[ "$(grep -c '"stats_frozen": true' json)" -eq 6 ] || die "$(cat json)"
[ "$(grep -c '"affine_frozen": true' json)" -eq 2 ] || die "$(cat json)"
expect 1 evenkeel diff a.onnx b.onnx > changes
lacks changes tensor
evenkeel train b.onnx --data builtin:strokes:400 --limit 64 --steps 2 --lr 0.01 --weight-decay 0.01 --decay-norm -q -o c.onnx > out
expect 1 evenkeel diff b.onnx c.onnx > changes
lacks changes running
lacks changes bn1.
lacks changes bn2.
contains changes bn3.scale
# Cleared before set, and the file may be its own successor.
evenkeel freeze b.onnx --clear --all=until:bn2 -o b.onnx > out
evenkeel freeze b.onnx > list
[ "$(grep -c 'affine frozen' list)" -eq 2 ] && [ "$(grep -c 'statistics frozen' list)" -eq 2 ] || die "$(cat list)"
evenkeel freeze b.onnx --clear -o b.onnx > out
expect 0 evenkeel diff a.onnx b.onnx > out
