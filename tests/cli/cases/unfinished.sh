# A training that has not ended is not replaced unasked; one that has is, as any output.
set -m # a job of its own: a shell without jobs has SIGINT ignored in what it puts into the background
run=("${tiny_data[@]}" --model lenet --batch 8 --quiet --threads 1)
"$EVENKEEL" train "${run[@]}" --epochs 2000 --checkpoint-every 2 -o 'my model.onnx' > out 2> message &
for _ in $(seq 600); do [ ! -s 'my model.onnx.state' ] || break; sleep 0.01; done
kill -INT $!
status=0
wait $! || status=$?
[ $status -eq 130 ] || die "exit status $status"
contains message "Next: evenkeel train --resume 'my model.onnx'"
cp 'my model.onnx' kept
expect 2 evenkeel train "${run[@]}" --steps 1 -o 'my model.onnx' 2> err
contains err "of 64000 steps are done; --overwrite begins anew"
contains err "evenkeel train --resume 'my model.onnx'"
expect 2 evenkeel train "${run[@]}" --steps 1 -o ./'my model.onnx' 2> err
evenkeel train "${run[@]}" --steps 1 -o 'my model.onnx' --dry-run > out
same 'my model.onnx' kept
evenkeel train "${run[@]}" --steps 3 -o other.onnx > out
expect 2 evenkeel train --resume other.onnx -o 'my model.onnx' 2> err
contains err "has not ended"
same 'my model.onnx' kept
evenkeel train "${run[@]}" --steps 2 -o 'my model.onnx' --overwrite > out 2> err
! cmp -s 'my model.onnx' kept || die "not replaced"
cp 'my model.onnx' kept
evenkeel train "${run[@]}" --steps 3 -o 'my model.onnx' > out # the one before has ended
! cmp -s 'my model.onnx' kept || die "not replaced"
contains out "file      my model.onnx"
