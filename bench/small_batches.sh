#!/bin/bash
# small_batches.sh BUILD [openmpi|mpich]: two images per rank on 16 ranks, with and without synchronized batch norm, beside
# one process with the whole batch of 32. DATA: any data set; STEPS, SEEDS.
set -euo pipefail
BUILD=$(cd "$1" && pwd)
. "$(dirname "$0")/../tests/dist/lib.sh"
flavour=${2:-openmpi} data=${DATA:-builtin:strokes:8000} steps=${STEPS:-150}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
accuracy() { sed -n 's/.*"accuracy": \([0-9.e-]*\).*/\1/p' "$folder/$1.json" | head -1; }
train() { # name, seed, more...
    local name=$1 seed=$2
    shift 2
    "${with[@]}" "$BUILD/evenkeel" train --data "$data" --limit ${LIMIT:-4000} --model cnn6 --norm batch --batch 32 --lr 0.05 \
        --steps $steps --seed $seed --threads 1 --timeout 300 --quiet --json -o "$folder/$name.onnx" "$@" >"$folder/$name.json"
}
printf '%-5s %14s %22s %22s %14s\n' seed "one process" "16 ranks, sync, fast" "16 ranks, sync, repr." "16 ranks, plain"
for seed in ${SEEDS:-1 2}; do
    with=()
    train one $seed --reproducible
    with=("$(launcher "$flavour")" -n 16)
    train fast $seed --sync-norm
    train exact $seed --sync-norm --reproducible
    train plain $seed
    same=$(cmp -s "$folder/one.onnx" "$folder/exact.onnx" && echo "same file" || echo "OTHER FILE")
    printf '%-5s %13.2f%% %21.2f%% %11.2f%% %s %13.2f%%\n' $seed $(awk "BEGIN{print 100*$(accuracy one), 100*$(accuracy fast), 100*$(accuracy exact)}") "$same" \
        "$(awk "BEGIN{print 100*$(accuracy plain)}")"
done
