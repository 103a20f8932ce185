#!/bin/bash
# spinning.sh PROGRAM: what bounded spinning (apps/evenkeel/spin.c) costs on an idle machine and gains on a busy one. On the
# idle one each workload runs with libgomp as it comes and as evenkeel sets it, on the busy one with the passive policy and
# as evenkeel sets it; in turns, the order changing from round to round. Prints the median of the rounds' ratios of seconds
# and its 95 % interval (order statistics). The targets: idle at most 1.02, busy at most 1.3.
# ROUNDS: how many (25); CONDITIONS: "idle busy"; LOOPS: busy loops (4); WORKLOADS: of "cnn6 resnet20 model norm_large
# norm_small". Wants a machine that does nothing else; about fifteen minutes.
set -euo pipefail
program=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
. "$here/ratios.sh"
folder=$(mktemp -d)
loops=()
end_loops() {
    [ ${#loops[@]} -eq 0 ] || kill "${loops[@]}"
    loops=()
}
trap 'end_loops; rm -rf "$folder"' EXIT
unset GOMP_SPINCOUNT OMP_WAIT_POLICY

geometric_mean() { # of the numbers of that key
    grep -o "\"$1\": [0-9.e+-]*" | awk '{ sum += log($2); n++ } END { printf "%.9g\n", exp(sum / n) }'
}
train() {
    env "$1" "$program" train --data builtin:strokes:4000 --limit 2000 --model "$2" --steps "$3" --batch "$4" --threads 2 \
        --quiet --json -o "$folder/$2.onnx" --overwrite | grep -o '"images_per_second": .*' | awk '{ print 1 / ($2 + 0) }'
}
norms() { # shapes, phase
    env "$1" "$program" bench norm --shapes "$2" --layout nchw --phase training --rounds 3 --json | geometric_mean seconds
}
workload() { # name, setting: seconds, of whatever it does
    case $1 in
    cnn6) train "$2" cnn6 150 64 ;;
    resnet20) train "$2" resnet20 20 64 ;;
    model) env "$2" "$program" bench model "$folder/resnet20.onnx" --rounds 5 --threads 2 --json | geometric_mean examples_per_second | awk '{ print 1 / $1 }' ;;
    norm_large) norms "$2" "$folder/large.txt" ;;
    norm_small) norms "$2" "$here/shapes/small.txt" ;;
    esac
}
compare() { # what `name` does, against `other`
    pair() { if [ "$1" = one ]; then workload "$name" EVENKEEL=1; else workload "$name" "$other"; fi; }
    ratios "${ROUNDS:-25}" pair
}

printf 'batch 16x64x56x56\nlayer 4096x768\n' >"$folder/large.txt"
workload resnet20 EVENKEEL=1 >/dev/null # the file that `model` runs
for condition in ${CONDITIONS:-idle busy}; do
    other=GOMP_SPINCOUNT=300000 # libgomp's own default
    [ "$condition" = idle ] || other=OMP_WAIT_POLICY=passive
    if [ "$condition" = busy ]; then
        for _ in $(seq "${LOOPS:-4}"); do
            (while :; do :; done) &
            loops+=($!)
        done
    fi
    for name in ${WORKLOADS:-cnn6 resnet20 model norm_large norm_small}; do
        found=$(compare)
        printf '%-5s %-11s against %-23s %s\n' "$condition" "$name" "$other" "$found"
    done
    end_loops
done
