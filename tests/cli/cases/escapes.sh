# Names that steer a terminal, turn the direction of writing or make up a line: in a model, in the training state beside
# it, of classes, of files. No command shows them as they are, in what it prints, in its messages or in JSON.
for split in train test; do
    for class in $'ca\e]0;owned\at' $'do\ng: accuracy 100 %'; do
        mkdir -p $'pe\e[31mts'/$split/"$class"
        base64 -d >$'pe\e[31mts'/$split/"$class"/$'1\r2.png' \
            <<<'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=='
    done
done
data=$'pe\e[31mts'
fit=(--size 28x28 --mean 0.5 --std 0.5 --batch 2)
evenkeel train --data "$data" --model lenet "${fit[@]}" --steps 1 --quiet -o m.onnx >out
sed -e 's/bn1/\x1b[7/g; s/conv2/a\nb\x7fc/g; s/relu1/\xc2\x9b31m/g; s/pool2/p\xe2\x80\xae2/g' m.onnx >odd.onnx
zeros 3136 | npy x.npy '<f4' '1, 1, 28, 28'

# The status does not matter here: what is said does.
shown=0
look() {
    local status=0
    "$EVENKEEL" "$@" </dev/null >out 2>message || status=$?
    [ $status -lt 126 ] || die "status $status: $*"
    if LC_ALL=C grep -anP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]' out message; then
        die "shown as it is: $*"
    fi
    if grep -aq '^g: accuracy\|^b.c' out message; then die "a line made up: $*"; fi
    cat out message | grep -acF '\x' >count || true
    shown=$((shown + $(<count)))
}
both() {
    look "$@"
    look "$@" --json
    [ ! -s out ] || ! command -v python3 >/dev/null || python3 -m json.tool out >/dev/null || die "not JSON: $*"
}

both models odd.onnx
both inspect odd.onnx
both inspect odd.onnx --data "$data"
both eval odd.onnx --data "$data"
both eval odd.onnx --data builtin:strokes:400
both run odd.onnx --input x.npy
both run odd.onnx --input $'no\e[1m=x.npy'
both run odd.onnx --input x.npy -o $'no\e[1m=y.npy'
both predict odd.onnx "$data"/test
look predict odd.onnx "$data"/test --csv
both fold odd.onnx -o folded.onnx --overwrite
both unfold odd.onnx -o unfolded.onnx --overwrite
both recalibrate odd.onnx --data "$data" -o r.onnx --overwrite
both freeze odd.onnx --stats -o f.onnx --overwrite
both convert odd.onnx --opset 21 -o c.onnx --overwrite
both convert odd.onnx --opset 3 -o c.onnx --overwrite
both diff m.onnx odd.onnx
both diff m.onnx odd.onnx --semantic
both bench odd.onnx
both train --data "$data" --model odd.onnx "${fit[@]}" --steps 1 --quiet -o t.onnx --overwrite
both train --data builtin:strokes:400 --model odd.onnx --steps 1 -o t.onnx --overwrite
both train --resume m.onnx --data builtin:strokes:400
both eval "$data"
both $'no\e[1m' odd.onnx
both eval m.onnx --data "$data" --$'no\e[1m'
head -c 3000 odd.onnx >cut.onnx
both eval cut.onnx --data "$data"
[ $shown -gt 20 ] || die "only $shown lines show a name"
