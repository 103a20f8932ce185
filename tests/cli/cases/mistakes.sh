# What a person gets wrong, one a line of mistakes.tsv: exit status, the words of the message, and that nothing was written.
set -m # a job of its own: a shell without jobs has SIGINT ignored in what it puts into the background
T="--data builtin:strokes:60 --model lenet --batch 16 --threads 1"
evenkeel train $T --steps 1 --lr 1e-9 -q -o m.onnx > /dev/null
"$EVENKEEL" train $T --epochs 5000 -q --checkpoint-every 2 -o u.onnx > /dev/null 2> /dev/null & # to be interrupted
for _ in $(seq 600); do [ ! -s u.onnx.state ] || break; sleep 0.01; done
kill -INT $!
wait $! || true
cp u.onnx 'my model.onnx'
cp u.onnx.state 'my model.onnx.state'
mkdir folder nested nested/below
printf 'PK\3\4and so on' | tee photos.zip model.pt > model.pth
printf 'ustar and so on' > data.tar
printf '\211HDF\r\n\032\n' > model.h5
printf '\34\0\0\0TFL3and so on' > model.tflite
printf '\20\0\0\0\0\0\0\0{"w":{"dtype":1}' > model.safetensors
printf '\377\330\377\340and so on' > photo.jpg
printf 'version https://git-lfs.github.com/spec/v1' > bad-lfs.onnx
printf '<!DOCTYPE html>404' > bad-page.onnx
echo 'my model' > text.txt
head -c 2000 m.onnx > bad-half.onnx
gzip -c m.onnx > m.onnx.gz
: > bad-empty.onnx
zeros 3136 | npy x.npy '<f4' 1,1,28,28

state() { ls -A --full-time -R . | cksum; }
before=$(state)
rows=0 failed=0
complain() {
    echo "mistake: evenkeel $command: $1"
    failed=$((failed + 1))
}
while IFS=$'\t' read -r -a row; do
    case ${row[0]-#} in '#'*) continue ;; esac
    command=${row[1]} got=0
    text=$(eval "evenkeel $command" 2>&1 </dev/null >/dev/null) || got=$?
    rows=$((rows + 1))
    [ "$got" -eq "${row[0]}" ] || complain "exit status $got, expected ${row[0]}: $text"
    for word in "${row[@]:2}"; do
        [[ $text == *"$word"* ]] || complain "the message lacks \"$word\": $text"
    done
    [ "$(state)" = "$before" ] || {
        complain "something was written: $(ls -A)"
        before=$(state)
    }
done <"$CLI_TESTS/mistakes.tsv"
[ $rows -ge 60 ] || die "$rows mistakes only"
[ $failed -eq 0 ] || die "$failed of $rows mistakes"
