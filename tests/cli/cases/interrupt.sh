# SIGINT and SIGTERM: exit status 130, a checkpoint, and --resume ends where an uninterrupted run does.
set -m # a job of its own: a shell without jobs has SIGINT ignored in what it puts into the background
run=("${tiny_data[@]}" --model lenet --batch 8 --epochs 6 --quiet --threads 1 --checkpoint-every 4)
evenkeel train "${run[@]}" -o whole.onnx > whole
for signal in INT TERM; do
    "$EVENKEEL" train "${run[@]}" -o m.onnx > out 2> message &
    for _ in $(seq 600); do [ ! -s m.onnx.state ] || break; sleep 0.01; done
    kill -$signal $!
    status=0
    wait $! || status=$?
    [ $status -eq 130 ] || die "exit status $status after SIG$signal: $(cat message)"
    contains message "checkpoint written"
    contains message "evenkeel train --resume m.onnx"
    evenkeel train --resume m.onnx -q > out
    same m.onnx whole.onnx
    same m.onnx.state whole.onnx.state
    rm m.onnx m.onnx.state
done
