# Images turned, mixed and so on: each option changes the training, is kept with the checkpoint, and is named when it changes.
few=(--data builtin:strokes:400 --limit 48 --model lenet --batch 16 --epochs 2 --threads 1 --quiet)
evenkeel train "${few[@]}" -o plain.onnx >out
for way in --rotate=15 --jitter=0.4 --erase=0.5 --mixup=0.4 --crop=2; do
    evenkeel train "${few[@]}" "$way" -o a.onnx --overwrite >out
    expect 1 evenkeel diff plain.onnx a.onnx >out
done
all=(--crop 2 --rotate 15 --jitter 0.4,0.2,0 --erase 0.5 --mixup 0.4)
evenkeel train "${few[@]}" "${all[@]}" -o whole.onnx >out
evenkeel train "${few[@]}" "${all[@]}" --steps 4 -o four.onnx >out 2>err && die 'epochs and steps'

# Killed after a checkpoint in the middle of an epoch and resumed: the same bytes.
"$EVENKEEL" train "${few[@]}" "${all[@]}" --checkpoint-every 1 -o parts.onnx >out 2>err &
process=$!
while [ ! -e parts.onnx.state ] && kill -0 $process 2>/dev/null; do sleep 0.02; done
kill -KILL $process 2>/dev/null || true
wait $process 2>/dev/null || true
evenkeel train --resume parts.onnx --quiet >out
same parts.onnx whole.onnx
expect 2 evenkeel train --resume parts.onnx --mixup 0.2 --jitter 0.1 --quiet 2>err
contains err '--jitter is 0.4,0.2,0 there, 0.1 now'
contains err '--mixup is 0.4 there, 0.2 now'

# What makes no sense is refused by name.
for bad in --rotate=181 --erase=1.1 --mixup=-1 --jitter= --jitter=0.1,0.2 --jitter=0.1,x,0 --jitter=1,2,3,4 --jitter=-1; do
    expect 2 evenkeel train "${few[@]}" "$bad" -o bad.onnx 2>err
    name=${bad%=*}
    contains err "$name"
done
zeros $((48 * 784)) | npy mask.npy '|u1' '48, 1, 28, 28'
expect 2 evenkeel train "${few[@]}" --target mask.npy --loss mse --mixup 1 -o bad.onnx 2>err
contains err "classes and masks cannot be mixed"
for bad in --rotate=5 --jitter=0.1 --erase=0.1; do
    expect 2 evenkeel train whole.onnx --input mask.npy --target mask.npy --loss mse "$bad" -o bad.onnx 2>err
    contains err "is for images, and --input gives arrays"
done
missing bad.onnx
