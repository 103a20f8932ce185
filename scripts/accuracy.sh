#!/usr/bin/env bash
# accuracy.sh: the long check of training: cnn6 with batch norm on MNIST, three epochs, default options, seeds 1 to 3.
# The worst must reach 99.2 % of the test images.
#   scripts/accuracy.sh MNIST_FOLDER
set -euo pipefail
data=$(cd "${1:?usage: scripts/accuracy.sh MNIST_FOLDER}" && pwd)
cd "$(dirname "$0")/.."
tool=build/release/evenkeel
out=build/accuracy
mkdir -p "$out"
worst=1
for seed in 1 2 3; do
    "$tool" train --data "$data" --model cnn6 --norm batch --epochs 3 --batch 64 --seed "$seed" --out "$out/seed$seed.onnx" --quiet >/dev/null
    accuracy=$("$tool" eval "$out/seed$seed.onnx" --data "$data" --json | sed -nE 's/.*"accuracy": *([0-9.]+).*/\1/p')
    echo "seed $seed: $accuracy"
    worst=$(awk -v a="$accuracy" -v b="$worst" 'BEGIN { print a < b ? a : b }')
done
echo "worst: $worst (at least 0.992 expected)"
awk -v w="$worst" 'BEGIN { exit !(w >= 0.992) }'
