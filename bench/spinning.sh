#!/bin/bash
# spinning.sh PROGRAM: what bounded spinning (apps/evenkeel/spin.c) gains on a busy machine and costs on an idle one. Each
# workload runs with libgomp as it comes, with the passive policy and as evenkeel sets it, in turn; medians of the rounds'
# ratios. The target: idle at most 1.02 times libgomp as it comes, busy at most 1.3 times the passive policy.
# ROUNDS: how many (9); SPINS: further counts to try ("100 10000"); CONDITIONS: "idle busy"; LOOPS: busy loops (4);
# WORKLOADS: of "cnn6 resnet20 model norm_large norm_small". Wants a machine that does nothing else; about ten minutes.
set -euo pipefail
program=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
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
        --quiet --json -o "$folder/$2.onnx" | grep -o '"images_per_second": .*' | awk '{ print 1 / ($2 + 0) }'
}
norms() { # shapes, phase
    env "$1" "$program" bench norm --shapes "$2" --layout nchw --phase training --rounds 3 --json | geometric_mean seconds
}
workload() { # name, setting: seconds, of whatever it does
    case $1 in
    cnn6) train "$2" cnn6 150 64 ;;
    resnet20) train "$2" resnet20 20 64 ;;
    model) env "$2" "$program" bench model "$folder/resnet20.onnx" --rounds 5 --threads 2 --json | geometric_mean examples_per_second | awk "{ print 1 / \$1 }" ;;
    norm_large) norms "$2" "$folder/large.txt" ;;
    norm_small) norms "$2" "$here/shapes/small.txt" ;;
    esac
}
median() { sort -g | awk '{ v[NR] = $1 } END { printf "%.3f", v[int((NR + 1) / 2)] }'; }
ratio() { # columns a / b of the rounds
    awk "{ print \$$1 / \$$2 }" "$folder/rounds" | median
}

printf 'batch 16x64x56x56\nlayer 4096x768\n' >"$folder/large.txt"
settings=(GOMP_SPINCOUNT=300000 OMP_WAIT_POLICY=passive EVENKEEL=1) # the first is libgomp's own default
for count in ${SPINS:-}; do settings+=("GOMP_SPINCOUNT=$count"); done
workload resnet20 EVENKEEL=1 >/dev/null                      # the file that `model` runs
printf '%-5s %-11s %-22s %12s %12s\n' machine workload setting "/ as it comes" "/ passive"
for condition in ${CONDITIONS:-idle busy}; do
    if [ "$condition" = busy ]; then
        for _ in $(seq "${LOOPS:-4}"); do
            (while :; do :; done) &
            loops+=($!)
        done
    fi
    for name in ${WORKLOADS:-cnn6 resnet20 model norm_large norm_small}; do
        : >"$folder/rounds"
        for _ in $(seq "${ROUNDS:-9}"); do
            for setting in "${settings[@]}"; do workload "$name" "$setting"; done | paste -s >>"$folder/rounds"
        done
        for i in $(seq 3 ${#settings[@]}); do
            setting=${settings[$((i - 1))]}
            printf '%-5s %-11s %-22s %12s %12s\n' "$condition" "$name" "${setting/EVENKEEL=1/as evenkeel sets it}" \
                "$(ratio "$i" 1)" "$(ratio "$i" 2)"
        done
        printf '%-5s %-11s %-22s %12s %12s\n' "$condition" "$name" passive "$(ratio 2 1)" 1
    done
    end_loops
done
