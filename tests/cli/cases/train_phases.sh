# Switches and learning rates by epoch; a run that was stopped and resumed ends with the same bytes, and what was
# frozen in the first epochs has the bytes it had.
train_tiny --model cnn6 --limit 64 -o a.onnx > out
options=(--data builtin:strokes:400 --limit 60 --batch 20 --epochs 3 --lr 0.01 --weight-decay 0.001 --threads 1
    '--freeze=*@1-2' '--lr-scale=conv*=0@-2' --freeze-stats=last:2@3- --lr-depth-decay 0.9)
evenkeel train a.onnx "${options[@]}" -o whole.onnx --json > out 2> lines
evenkeel freeze whole.onnx > switches
[ "$(grep -c 'statistics frozen' switches)" -eq 2 ] || die "$(cat switches)"
evenkeel train a.onnx "${options[@]}" --epochs 2 --steps 6 -o two.onnx 2> message && die "epochs and steps" || true
contains message "exclude each other"
# Stopped after every step, by the shell's kill and by checkpoints.
"$EVENKEEL" train a.onnx "${options[@]}" --checkpoint-every 1 -q -o parts.onnx > out 2> message &
process=$!
while [ ! -e parts.onnx.state ] && kill -0 $process 2> /dev/null; do sleep 0.02; done
kill -KILL $process 2> /dev/null || true
wait $process 2> /dev/null || true
[ ! -e parts.onnx.state ] || evenkeel train --resume parts.onnx -q > out
same whole.onnx parts.onnx
expect 2 evenkeel train --resume parts.onnx --freeze-stats=last:1@3- -q 2> message
contains message "--freeze-stats is last:2@3- there"
# Two epochs only: norms and convolutions as they were, the classifier not.
evenkeel train a.onnx --data builtin:strokes:400 --limit 60 --batch 20 --steps 6 --lr 0.01 --weight-decay 0.001 \
    '--freeze=*@1-2' '--lr-scale=conv*=0@-2' -q -o frozen.onnx > out
expect 1 evenkeel diff a.onnx frozen.onnx > changes
contains changes fc.weight
lacks changes "tensor         bn"
lacks changes "tensor         conv"
# A name that is not there, a span that is none, a rate without a factor.
for bad in --freeze-until=nothing '--lr-scale=nothing*=1' --freeze=bn1@x --freeze=bn1@2-1 --lr-scale=conv1 --freeze-stats=bn9; do
    expect 2 evenkeel train a.onnx "${options[@]}" "$bad" -q -o bad.onnx 2> message
    missing bad.onnx
done
# All below a place: its weights and norms.
evenkeel train a.onnx --data builtin:strokes:400 --limit 60 --batch 20 --steps 3 --lr 0.01 --freeze-until relu5 -q -o until.onnx > out
expect 1 evenkeel diff a.onnx until.onnx > changes
contains changes "tensor         conv6.weight"
lacks changes "tensor         conv5.weight"
lacks changes "tensor         bn5"
