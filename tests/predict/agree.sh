#!/usr/bin/env bash
# agree.sh PROGRAM MAKE_JPEGS [SEED]: what predict says of 100 JPEG files are the bits that eval computes of the same
# files in class folders: for a colour and for a gray model, in any order, batch and number of threads, and as run has
# them of --image.
set -eu
program=$1 make_jpegs=$2 seed=${3:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
evenkeel() { "$program" "$@" 2>>messages; }
die() {
    echo "agree: $*" >&2
    tail -3 messages >&2
    exit 1
}
"$make_jpegs" photos 100 "$seed"
"$make_jpegs" grays 40 "$((seed + 1))" gray
train=(train --model lenet --size 31x45 --steps 12 --batch 16 --lr 0.02 -q)
evenkeel "${train[@]}" --data photos -o colour.onnx >out
evenkeel "${train[@]}" --data grays -o gray.onnx >out

for model in colour gray; do
    evenkeel eval $model.onnx --data photos --logits wanted.npy --json >eval.json
    evenkeel predict $model.onnx photos --logits got.npy --csv >table.csv
    cmp wanted.npy got.npy || die "$model: the logits of predict and eval differ"
    [ "$(wc -l <table.csv)" -eq 101 ] || die "$model: $(wc -l <table.csv) lines"
    # The folder is the class: as many are right as eval counts.
    right=$(awk -F, 'NR > 1 { split($1, part, "/"); right += part[2] == $2 } END { print right }' table.csv)
    grep -q "\"correct\": $right," eval.json || die "$model: $right of 100 right, but $(grep correct eval.json)"
    for batch in 1 100; do
        evenkeel predict $model.onnx photos --batch $batch --threads $((batch % 2 + 1)) --logits got.npy >out
        cmp wanted.npy got.npy || die "$model: other bits in batches of $batch"
    done
    # Alone, and in any order: the same rows, digit by digit.
    mapfile -t files < <(tail -n +2 table.csv | cut -d, -f1 | sort -r)
    evenkeel predict $model.onnx "${files[@]}" --csv >other.csv
    diff <(sort table.csv) <(sort other.csv) || die "$model: another order, other rows"
    for file in "${files[@]:0:3}"; do
        evenkeel predict $model.onnx "$file" --csv | tail -n 1 | grep -qxFf table.csv || die "$model: $file alone differs"
    done
    evenkeel run $model.onnx --image photos --output got.npy >out
    cmp wanted.npy got.npy || die "$model: the logits of run --image and eval differ"
done
[ "$(cut -d, -f2 table.csv | sort -u | wc -l)" -gt 2 ] || die "a model that says the same of every image shows nothing"
echo "agree: 2 models, 100 JPEG files, seed $seed: the same bits"
