#!/bin/bash
# ranks.sh BUILD [openmpi|mpich]: what training over two ranks costs, one thread each: images per second of both against
# two independent runs of half the batch side by side (which share memory bandwidth too), and the share of the time spent
# waiting in exchanges; medians over rounds. About a minute. Wants a quiet machine with two processors. DATA: any data set;
# STEPS: per run; ROUNDS, MODELS, MODES: words.
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
median() { sort -g | awk '{ v[NR] = $1 } END { printf "%s", v[int((NR + 1) / 2)] }'; }
rounds() { # model, steps, options...: a line for each round: alone, two ranks, efficiency, waiting
    local model=$1 steps=$2 alone two
    shift 2
    for _ in ${ROUNDS:-1 2 3}; do
        train "$model" "$steps" $((batch / 2)) a "$@" &
        train "$model" "$steps" $((batch / 2)) b "$@" &
        wait
        ranks "$flavour" 2 "$BUILD/evenkeel" train --data "$data" --limit 4000 --model "$model" --steps "$steps" \
            --batch "$batch" --threads 1 --quiet --json -o "$folder/c.onnx" "$@" >"$folder/c.json"
        alone=$(awk "BEGIN{print $(number "$folder/a.json" images_per_second) + $(number "$folder/b.json" images_per_second)}")
        two=$(number "$folder/c.json" images_per_second)
        awk "BEGIN{print $alone, $two, $two / $alone, 100 * $(number "$folder/c.json" exchange_seconds) / $(number "$folder/c.json" seconds)}"
    done
}
printf '%-9s %-13s %12s %12s %11s %13s %10s\n' model mode "alone x2" "two ranks" efficiency "of rounds" waiting
for model in ${MODELS:-cnn6 resnet20}; do
    steps=${STEPS:-$([ "$model" = cnn6 ] && echo 300 || echo 80)}
    for mode in ${MODES:-fast reproducible}; do
        more=(--sync-norm)
        [ $mode = fast ] || more+=(--reproducible)
        rounds "$model" "$steps" "${more[@]}" >"$folder/rounds"
        column() { awk "{ print \$$1 }" "$folder/rounds"; }
        printf '%-9s %-13s %9.0f /s %9.0f /s %11.2f %6.2f - %.2f %8.1f %%\n' "$model" "$mode" "$(column 1 | median)" \
            "$(column 2 | median)" "$(column 3 | median)" "$(column 3 | sort -g | head -1)" \
            "$(column 3 | sort -g | tail -1)" "$(column 4 | median)"
    done
done
