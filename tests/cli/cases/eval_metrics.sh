# --metrics: what the logits say, counted anew here from the classes that predict gives.
train_tiny -o m.onnx >out
evenkeel eval m.onnx --data builtin:strokes:400 --metrics --top 2 >text
evenkeel eval m.onnx --data builtin:strokes:400 --metrics --top 2 --json >json
contains text "top 2 "
contains text "matrix: a row for each class"
# The sum over the matrix is the number of images, that of its diagonal the number of right ones.
awk '/^matrix:/ { on = 1; next } on { row++; for (i = 2; i <= NF; i++) { all += $i; if (i == row + 1) right += $i } } END { print all, right, row }' text >sums
images=$(sed -n 's/.*"images": \([0-9]*\),/\1/p' json) correct=$(sed -n 's/.*"correct": \([0-9]*\),/\1/p' json)
[ "$(cat sums)" = "$images $correct 10" ] || die "matrix: $(cat sums), eval: $images $correct"
[ "$(sed -n '/"per_class"/,$p' json | sed -n 's/.*"right": \([0-9]*\),/\1/p' | awk '{ sum += $1 } END { print sum }')" = "$correct" ] || die "per class"
[ "$(grep -c '"class": ' json)" -eq 10 ] || die "ten classes"
top=$(sed -n 's/.*"top_k_accuracy": \([0-9.e-]*\),/\1/p' json) accuracy=$(sed -n 's/.*"accuracy": \([0-9.e-]*\),/\1/p' json | head -1)
awk -v t="$top" -v a="$accuracy" 'BEGIN { exit !(t > a && t <= 1) }' || die "top 2: $top, accuracy $accuracy"
evenkeel eval m.onnx --data builtin:strokes:400 --metrics --top 1 --json >one
[ "$(sed -n 's/.*"top_k_accuracy": \([0-9.e-]*\),/\1/p' one)" = "$accuracy" ] || die "top 1 is not the accuracy"
