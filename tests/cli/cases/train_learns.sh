# Three epochs on 2,000 drawn digits end above 80 %.
evenkeel train --data builtin:strokes:2000 --model lenet --lr 0.05 --epochs 3 -q --json -o m.onnx > result
accuracy=$(sed -n 's/^  "accuracy": \([0-9.]*\),$/\1/p' result)
awk -v a="$accuracy" 'BEGIN { exit !(a > 0.8 && a <= 1) }' || die "accuracy $accuracy"
