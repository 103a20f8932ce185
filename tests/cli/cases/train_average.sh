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

# Arrays in place of images: averages, and statistics measured over the arrays; resumed, the same bytes.
model n.onnx
head -c $((60 * 784)) "$EVENKEEL" | npy x.npy '|u1' '60, 1, 28, 28'
printf '\0\1\2\3\4\5\6\7\10\11%.0s' 1 2 3 4 5 6 | npy y.npy '|u1' '60,'
arrays=(n.onnx --input x.npy --target y.npy --batch 16 --epochs 2 --lr 1e-4 --threads 1 -q)
evenkeel train "${arrays[@]}" -o plain.onnx >out
for way in --average=ema:0.5 --average=swa:0.5 --statistics=exact; do
    evenkeel train "${arrays[@]}" --validation 0.2 "$way" -o m.onnx --overwrite --log l.jsonl >out 2>err
    exists m.best.onnx
    evenkeel train "${arrays[@]}" "$way" -o m.onnx --overwrite >out 2>err
    cp m.onnx whole.onnx
    evenkeel train --resume m.onnx -q >out
    same m.onnx whole.onnx
    "$EVENKEEL" train "${arrays[@]}" "$way" --checkpoint-every 1 -o parts.onnx --overwrite >out 2>err &
    process=$!
    while [ ! -e parts.onnx.state ] && kill -0 $process 2>/dev/null; do sleep 0.02; done
    kill -KILL $process 2>/dev/null || true
    wait $process 2>/dev/null || true
    evenkeel train --resume parts.onnx -q >out
    same parts.onnx whole.onnx
    rm parts.*
    differs plain.onnx m.onnx '.*' # in what the way changes
done
contains m.onnx running_mean
