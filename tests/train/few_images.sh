#!/usr/bin/env bash
# few_images.sh PROGRAM MAKE_DIGITS SIZES SEEDS NORMS [OPTION...]: does a first try with a few images of one's own work?
# Folders of drawn digits in colour, 20 images of 2 classes, 40 of 4, 200 of 10, are trained on with the defaults (and
# OPTIONs) and judged on 500 fresh ones.
#   200 images: at least 95 % in all seeds but one of five, and no warning.
#   20 and 40:  accuracy within 5 points of that on the training images, or a warning with a command that, run as it is
#               printed, brings it there.
#     few_images.sh build/release/evenkeel build/release/make_digits "20 40 200" "1 2 3 4 5" "batch group:8"
# CLASSES=10 in the environment takes another number of classes.
set -eu
program=$(realpath "$1") maker=$(realpath "$2") sizes=$3 seeds=$4 norms=$5
shift 5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir bin
ln -s "$program" bin/evenkeel
PATH=$work/bin:$PATH
export OMP_WAIT_POLICY=passive # the machine may be busy
failures=0

value() { grep -m1 "\"$1\"" out | tr -dc '0-9.'; }
percent() { awk -v x="$1" 'BEGIN { printf "%.1f", 100 * x }'; }
near() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(b - a <= 0.05) }'; }
good() { awk -v a="$1" 'BEGIN { exit !(a >= 0.95) }'; }

# Runs the printed command, with --json for its numbers.
follow() {
    local command
    command=$(grep '^  evenkeel ' err | tail -1)
    [ -n "$command" ] || return 1
    bash -c "$command --json" >out 2>err || { cat err; return 1; }
    printf '    %s\n    as printed: training %s %%, test %s %%\n' "$command" "$(percent "$(value training_accuracy)")" \
        "$(percent "$(value accuracy)")"
    near "$(value accuracy)" "$(value training_accuracy)"
}

one() { # size seed norm, further options
    local size=$1 seed=$2 norm=$3 warned
    shift 3
    evenkeel train --data "data$size-$seed/train" --test "data$size-$seed/test" --seed "$seed" --norm "$norm" -o m.onnx \
        --json "$@" >out 2>err || { cat err; exit 1; }
    warned=$(grep -c warning: err || true)
    printf '%4d images, seed %d, %-8s training %5s %%, test %5s %%, %d warnings\n' "$size" "$seed" "$norm" \
        "$(percent "$(value training_accuracy)")" "$(percent "$(value accuracy)")" "$warned"
    if [ "$size" -ge 200 ]; then
        [ "$warned" -eq 0 ] && good "$(value accuracy)"
    else
        { [ "$warned" -eq 0 ] && near "$(value accuracy)" "$(value training_accuracy)"; } || follow
    fi
}

for size in $sizes; do
    for seed in $seeds; do
        "$maker" "data$size-$seed" "${CLASSES:-$((size == 200 ? 10 : size / 10))}" "$size" 500 "$seed"
    done
    for norm in $norms; do
        bad=0 allowed=0
        for seed in $seeds; do one "$size" "$seed" "$norm" "$@" || bad=$((bad + 1)); done
        if [ "$size" -ge 200 ] && [ "$(wc -w <<<"$seeds")" -ge 5 ]; then allowed=1; fi
        [ $bad -le $allowed ] || { echo "$size images, $norm: $bad seeds fail"; failures=$((failures + 1)); }
    done
done
[ $failures -eq 0 ]
