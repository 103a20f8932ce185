# --report: a page after each epoch; it knows the epochs from before a resume; training is not touched; what is refused.
few=(--data builtin:strokes:400 --limit 120 --model lenet --batch 20 --threads 1 --seed 3)
rows() { grep -o '<tr><th scope="row">[0-9]*</th><td>' "$1" | wc -l; }
evenkeel train "${few[@]}" --epochs 3 --validation 0.2 --report a.html -o m.onnx -q >out
[ "$(rows a.html)" -eq 3 ] || die "$(rows a.html) epochs"
evenkeel train "${few[@]}" --epochs 3 --validation 0.2 -o plain.onnx -q >out
same m.onnx plain.onnx
same m.best.onnx plain.best.onnx
# Without validation data it says what would be there with them.
evenkeel train "${few[@]}" --epochs 1 --report b.html -o n.onnx -q >out
contains b.html "--validation 0.1"
lacks b.html 'id="confusion"'
expect 2 evenkeel train "${few[@]}" --report a.txt -o x.onnx 2>e
contains e "--report"
expect 4 evenkeel train "${few[@]}" --report nowhere/a.html -o x.onnx 2>e
contains e "--report: cannot write nowhere/a.html"
missing x.onnx
