# A run that is no classifier has no accuracy of 0, but what it is measured by: in the line of an epoch, in JSON, in the log.
# Training's end and eval say the same.
model m.onnx
head -c $((40 * 784)) "$EVENKEEL" | npy x.npy '|u1' '40, 1, 28, 28'
head -c 400 "$EVENKEEL" | npy y.npy '|u1' '40, 10'
printf '\0\1\0\0\1\0\0\0\0\1%.0s' {1..40} | npy bits.npy '|u1' '40, 10'
few=(m.onnx --input x.npy --batch 8 --epochs 2 --lr 1e-5 --threads 1)

number() { sed -n "s/.*\"$1\": \([-0-9.e+]*\).*/\1/p" "$2" | tail -1; }
check() { # loss, target, names...
    local loss=$1 target=$2 name
    shift 2
    evenkeel train "${few[@]}" --target "$target" --loss "$loss" --validation 0.5 --log l.csv --json -o o.onnx --overwrite >out 2>err
    lacks l.csv ',accuracy,'
    lacks out '"accuracy": 0,'
    for name in "$@"; do
        contains err "\"validation_$name\": "
        head -1 l.csv | grep -qE ",validation_$name(,|$)" || die "$loss: no column of $name: $(head -1 l.csv)"
        [ -n "$(number "$name" out)" ] || die "$loss: no $name in $(cat out)"
    done
    [ "$(head -1 l.csv | tr , '\n' | wc -l)" -eq "$(tail -1 l.csv | tr , '\n' | wc -l)" ] || die "$(cat l.csv)"
    evenkeel train "${few[@]}" --target "$target" --loss "$loss" --json -o o.onnx -q >out
    evenkeel eval o.onnx --input x.npy --target "$target" --loss "$loss" --metrics --json >again
    for name in "$@"; do
        [ "$(number "$name" out)" = "$(number "$name" again)" ] || die "$loss: $name $(cat out again)"
    done
    evenkeel train "${few[@]}" --target "$target" --loss "$loss" --validation 0.5 --log l.jsonl -o o.onnx >out 2>err
    contains l.jsonl "\"validation_$1\": "
    contains out "on the validation data"
    evenkeel eval o.onnx --input x.npy --target "$target" --loss "$loss" --metrics >out
}
check mse y.npy mae rmse r2
contains err '  MAE '
contains out ' MAE '
check bce bits.npy accuracy precision recall f1 mean_iou
contains err '  F1 '
contains out 'label '
