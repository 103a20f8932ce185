#!/usr/bin/env bash
# tasks.sh PROGRAM MAKE_TASKS TASK small|whole: a task beyond one class for each image, by one command, held against a
# baseline that needs no learning.
#   labels     digits of MNIST with two labels each, digit and parity: the share of digits of which both are right;
#              whoever always says the likeliest digit and its parity has about 11 %
#   masks      drawn digits on cluttered ground, a U-Net: mean IoU, whole at least 0.9; all of it ground has about 0.4
#   angle      the angle of a turned digit: the mean error in degrees; whoever always says 0 has about 30
#   sequences  four shapes of waves: accuracy; one shape for all has 25 %
set -eu
program=$(realpath "$1") maker=$(realpath "$2") task=$3 size=$4
shared=$(realpath "$(dirname "$0")/../../../shared" 2>/dev/null || true)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export OMP_WAIT_POLICY=passive # the machine may be busy
evenkeel() { "$program" "$@"; }
pick() { if [ "$size" = small ]; then echo "$1"; else echo "$2"; fi; }
# value NAME FILE: of the last "NAME": number.
value() { sed -n "s/.*\"$1\": \([-0-9.e]*\).*/\1/p" "$2" | tail -1; }
# check NAME VALUE atleast|atmost BOUND
check() {
    echo "$task ($size): $1 $2, $3 $4"
    awk -v v="$2" -v b="$4" -v how="$3" 'BEGIN { exit !(how == "atleast" ? v >= b : v <= b) }'
}

case $task in
labels)
    [ -d "$shared/data/mnist" ] || { echo "skipped: there is no MNIST"; exit 77; }
    "$maker" labels d "$(pick 2400 12000)" "$shared/data/mnist"
    evenkeel train --data d --model lenet --epochs "$(pick 3 5)" --lr 0.1 -o m.onnx -q
    mkdir test
    awk -F, '$3 == "test" { print $1 }' d/labels.csv | while read -r path; do cp "d/$path" test; done
    evenkeel predict m.onnx test --csv -q >said
    # Columns of the classes in their order: 0 to 9, even, odd.
    right=$(awk -F'[,|]' 'NR == FNR { split($1, at, "/"); digit[at[2]] = $2; parity[at[2]] = $3; next }
        FNR == 1 { next }
        { split($1, at, "/"); best = 0; for (c = 1; c < 10; c++) if ($(c + 2) > $(best + 2)) best = c
          n++; right += best == digit[at[2]] && ($13 > $12 ? "odd" : "even") == parity[at[2]] }
        END { print right / n }' d/labels.csv said)
    check "both labels right" "$right" atleast "$(pick 0.8 0.95)"
    ;;
masks)
    "$maker" masks d "$(pick 300 2000)"
    evenkeel train d/unet.onnx --data d --batch 16 --epochs "$(pick 4 12)" --lr 0.1 -o m.onnx -q
    evenkeel eval m.onnx --data d --metrics --json -q >out
    check "mean IoU" "$(value mean_iou out)" atleast "$(pick 0.7 0.9)"
    evenkeel predict m.onnx d/test/images -o masks -q >said
    [ "$(ls masks | wc -l)" -eq "$(ls d/test/images | wc -l)" ]
    ;;
angle)
    "$maker" angle d "$(pick 600 4000)"
    evenkeel train --data d --model lenet --target angle --loss mse --epochs "$(pick 6 15)" --lr 0.02 --batch 32 -o m.onnx -q
    evenkeel eval m.onnx --data d --target angle --loss mse --metrics --json -q >out
    check "mean error in degrees" "$(awk -v e="$(value mae out)" 'BEGIN { print 60 * e }')" atmost "$(pick 12 4)"
    ;;
sequences)
    "$maker" sequences d "$(pick 800 4000)"
    cd d
    evenkeel train net.onnx --input x.npy --target y.npy --epochs "$(pick 4 6)" --lr 0.1 -o m.onnx -q
    evenkeel eval m.onnx --input x_test.npy --target y_test.npy --metrics --json -q >out
    check accuracy "$(value accuracy out)" atleast "$(pick 0.8 0.95)"
    ;;
esac
