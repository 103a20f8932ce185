#!/bin/bash
# precision.sh PROGRAM [MODEL.onnx...]: what bf16 gains: training of `resnet20` (3x32x32, batch 128) and `cnn6` (28x28, batch
# 64), and inference of the models, folded, in f32 over bf16, in turns. Prints the median of the rounds' ratios of seconds
# and its 95 % interval; above 1: bf16 is faster. ROUNDS: how many (7). Wants a machine that does nothing else.
set -euo pipefail
program=$(realpath "$1")
shift
. "$(cd "$(dirname "$0")" && pwd)/ratios.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

images=1280
head -c $((images * 3 * 32 * 32)) /dev/urandom | npy "$folder/images.npy" '|u1' "$images, 3, 32, 32"
for i in $(seq $images); do printf "\\x0$((i % 10))\\x00\\x00\\x00"; done | npy "$folder/labels.npy" '<i4' "$images,"

precision() { if [ "$1" = one ]; then echo f32; else echo bf16; fi; }
per_second() { # KEY, of JSON: its last value, as seconds
    grep -o "\"$1\": [0-9.e+-]*" | tail -n 1 | awk '{ print 1 / $2 }'
}
resnet20() {
    "$program" train --data "$folder/images.npy,$folder/labels.npy" --model resnet20 --steps 20 --batch 128 --threads 2 \
        --quiet --json --precision "$(precision "$1")" -o "$folder/m.onnx" --overwrite | per_second images_per_second
}
cnn6() {
    "$program" train --data builtin:strokes:4000 --limit 2000 --model cnn6 --steps 100 --batch 64 --threads 2 \
        --quiet --json --precision "$(precision "$1")" -o "$folder/m.onnx" --overwrite | per_second images_per_second
}
inference() {
    "$program" bench model "$model" --rounds 5 --threads 2 --json --precision "$(precision "$1")" | per_second examples_per_second
}
for name in resnet20 cnn6; do
    found=$(ratios "${ROUNDS:-7}" "$name")
    printf '%-40s %s\n' "training $name" "$found"
done
for model in "$@"; do
    found=$(ratios "${ROUNDS:-7}" inference)
    printf '%-40s %s\n' "$(basename "$model")" "$found"
done
