#!/bin/bash
# ranks.sh BUILD [openmpi|mpich]: what training over two ranks costs, one thread each: images per second of both against
# two independent runs of half the batch side by side (which share memory bandwidth too), and the share of the time spent
# waiting in exchanges. About a minute. Wants a quiet machine with two processors. DATA: any data set; STEPS: per run.
set -euo pipefail
BUILD=$(cd "$1" && pwd)
. "$(dirname "$0")/../tests/dist/lib.sh"
flavour=${2:-openmpi} data=${DATA:-builtin:strokes:8000} batch=${BATCH:-64}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
number() { sed -n "s/.*\"$2\": \([0-9.e+-]*\).*/\1/p" "$1" | head -1; }
train() { # model, steps, batch, output, more options...
    local model=$1 steps=$2 size=$3 output=$4
    shift 4
    "$BUILD/evenkeel" train --data "$data" --limit 4000 --model "$model" --steps "$steps" --batch "$size" --threads 1 \
        --quiet --json -o "$folder/$output.onnx" "$@" >"$folder/$output.json"
}
printf '%-9s %-13s %12s %12s %11s %10s\n' model mode "alone x2" "two ranks" efficiency waiting
for model in ${MODELS:-cnn6 resnet20}; do
    steps=${STEPS:-$([ "$model" = cnn6 ] && echo 120 || echo 25)}
    for mode in fast reproducible; do
        more=(--sync-norm)
        [ $mode = fast ] || more+=(--reproducible)
        best_alone=0 best_two=0 waiting=0
        for _ in ${ROUNDS:-1 2}; do
            train $model $steps $((batch / 2)) a "${more[@]}" &
            train $model $steps $((batch / 2)) b "${more[@]}" &
            wait
            alone=$(awk "BEGIN{print $(number "$folder/a.json" images_per_second) + $(number "$folder/b.json" images_per_second)}")
            ranks "$flavour" 2 "$BUILD/evenkeel" train --data "$data" --limit 4000 \
                --model $model --steps $steps --batch $batch --threads 1 --quiet --json -o "$folder/c.onnx" "${more[@]}" \
                >"$folder/c.json"
            two=$(number "$folder/c.json" images_per_second)
            if awk "BEGIN{exit !($two > $best_two)}"; then
                best_two=$two
                waiting=$(awk "BEGIN{print 100 * $(number "$folder/c.json" exchange_seconds) / $(number "$folder/c.json" seconds)}")
            fi
            if awk "BEGIN{exit !($alone > $best_alone)}"; then best_alone=$alone; fi
        done
        awk "BEGIN{printf \"%-9s %-13s %9.0f /s %9.0f /s %11.2f %8.1f %%\n\", \"$model\", \"$mode\", $best_alone, $best_two, $best_two / $best_alone, $waiting}"
    done
done
