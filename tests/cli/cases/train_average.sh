# --average: the file has the average, says so, and is better than the last weights at a constant rate; what is refused.
few=(--data builtin:strokes:600 --limit 400 --model lenet --batch 40 --threads 1 --schedule constant --lr 0.1 --epochs 4)
loss() { sed -n 's/^loss *//p' "$1"; }
evenkeel train "${few[@]}" --validation 0.2 -o plain.onnx -q >plain
for average in ema:0.9 swa:0.5; do
    evenkeel train "${few[@]}" --validation 0.2 --average $average -o m.onnx >out 2>err
    contains err "statistics measured for it"
    grep -qa "$average, [0-9]* steps, statistics measured" m.onnx || die "m.onnx does not say that it is an average"
    grep -qa "$average, [0-9]* steps, statistics measured" m.best.onnx || die "m.best.onnx does not say that it is an average"
    awk -v a="$(loss out)" -v b="$(loss plain)" 'BEGIN { exit !(a < b) }' || die "$average: loss $(loss out), without it $(loss plain)"
    cp m.onnx whole.onnx
    evenkeel train --resume m.onnx -q >again
    same m.onnx whole.onnx
    [ "$(loss again)" = "$(loss out)" ] || die "$average: resumed, the loss is $(loss again)"
done
for wrong in mean ema:1 swa:x ema: emax swa:-1; do
    expect 2 evenkeel train "${few[@]}" --average=$wrong -o x.onnx 2>e
    contains e "--average $wrong: expected ema or swa"
done
expect 2 evenkeel train --resume m.onnx --average ema 2>e
contains e "--average is swa:0.5 there, ema now"
missing x.onnx
