#!/bin/bash
# memory.sh PROGRAM [MODEL.onnx]: what training takes when everything is kept and with `--memory least`: `resnet20` (3x32x32,
# batch 128) and, if given, a model of 3x224x224 and 1,000 classes (batch 8). Prints the peak resident memory of the process at
# batch 1, kept and least; what a step needs beyond batch 1, least over kept; seconds, least over kept, in turns, with the
# 95 % interval; whether the files have the same bytes; and the same memory with four times the batch. ROUNDS: how many (7).
# With python3-torch: PyTorch's peak beside `resnet20`. Wants a machine that does nothing else.
set -euo pipefail
program=$(realpath "$1")
model=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/ratios.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

images() { # COUNT EXTENT
    head -c $(($1 * 3 * $2 * $2)) /dev/urandom | npy "$folder/images.npy" '|u1' "$1, 3, $2, $2"
    for i in $(seq "$1"); do printf "\\x0$((i % 10))\\x00\\x00\\x00"; done | npy "$folder/labels.npy" '<i4' "$1,"
}
run() { # USE BATCH STEPS: the JSON of a training
    "$program" train --data "$folder/images.npy,$folder/labels.npy" --model "$name" --steps "$3" --batch "$2" --lr 0.001 --threads 2 \
        --memory "$1" --profile --quiet --json -o "$folder/$1.onnx" --overwrite
}
number() { grep -o "\"$1\": [0-9.e+-]*" | tail -n 1 | cut -d ' ' -f 2; }
seconds() { if [ "$1" = one ]; then use=least; else use=fastest; fi; run $use "$batch" "$steps" | number images_per_second | awk '{ print 1 / $1 }'; }
compare() { # NAME BATCH STEPS
    name=$1 batch=$2 steps=$3
    local one kept least four
    one=$(run fastest 1 "$steps" | number peak_resident)
    kept=$(run fastest "$batch" "$steps" | number peak_resident)
    least=$(run least "$batch" "$steps" | number peak_resident)
    cmp -s "$folder/fastest.onnx" "$folder/least.onnx" && same="the same bytes" || same="OTHER BYTES"
    four=$(run least $((4 * batch)) 2 | number peak_resident)
    awk -v n="$(basename "$name")" -v o="$one" -v k="$kept" -v l="$least" -v f="$four" -v s="$same" 'BEGIN {
        m = 1048576
        printf "%s: MiB at batch 1 %.0f, kept %.0f, least %.0f; beyond batch 1: %.3f; %s; four times the batch, least: %.0f\n",
            n, o / m, k / m, l / m, (l - o) / (k - o), s, f / m }'
    printf '    seconds, least over kept: %s\n' "$(ratios "${ROUNDS:-7}" seconds)"
}
images 1280 32
compare resnet20 128 10
if /usr/bin/python3 -c 'import torch' 2>/dev/null; then
    /usr/bin/python3 - "$here" <<'END'
import resource, sys, importlib.util, torch
spec = importlib.util.spec_from_file_location("peer", sys.argv[1] + "/bench_torch_train.py")
peer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(peer)
torch.set_num_threads(2)
for batch in (1, 128):
    peer.theirs(torch, peer.resnet20(torch.nn), batch, (3, 32, 32), 5)
    print("    PyTorch, batch %d: %.0f MiB" % (batch, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
END
fi
if [ -n "$model" ]; then
    images 40 224
    compare "$model" 8 4
fi
