# train --memory least|fastest|BYTES: the plan is shown before and after, the files are the same bytes; a budget that everything does not fit is met; what no plan fits is refused before a step.
expect 2 evenkeel train "${tiny[@]}" --memory most -o m.onnx 2> err
contains err "--memory 'most': expected a number of bytes above 0, as 800M or 2G, or least or fastest"
expect 2 evenkeel eval none.onnx --memory least 2> err
contains err "--memory 'least': expected a number of bytes above 0, as 800M or 2G"
lacks err "or least"
run=(--data builtin:strokes:400 --limit 200 --model resnet20 --batch 64 --steps 3 --quiet --threads 2)
evenkeel train "${run[@]}" --memory fastest --dry-run > out
contains out "memory "
lacks out "again"
evenkeel train "${run[@]}" --memory least --dry-run > out
contains out "if all were kept"
contains out "BatchNormalization"
evenkeel train "${run[@]}" --memory least --dry-run --json > out
number() { sed -nE "s/^ *\"$1\": ([0-9]+),?$/\1/p" "$2"; }
[ $((2 * $(number bytes out))) -le "$(number if_all_were_kept out)" ] || die "least is more than half: $(cat out)"
evenkeel train "${run[@]}" --memory fastest -o a.onnx > out
evenkeel train "${run[@]}" --memory least --profile -o b.onnx > out
contains out "run again in backward"
contains out "of the process were in memory"
same a.onnx b.onnx
# A sanitizer holds memory of its own, which counts.
if grep -aqF __asan_init "$EVENKEEL"; then echo "skipped with a sanitizer: budgets"; exit 0; fi
evenkeel train "${run[@]}" --batch 128 --limit 150 --memory fastest --dry-run --json > out
whole=$(number if_all_were_kept out)
evenkeel train "${run[@]}" --batch 128 --limit 150 --memory fastest -o d.onnx > out
evenkeel train "${run[@]}" --batch 128 --limit 150 --memory "$whole" --profile -o e.onnx > out
contains out "run again in backward"
same d.onnx e.onnx
expect 5 evenkeel train "${run[@]}" --batch 128 --memory $((whole / 6)) -o f.onnx 2> err
contains err "of memory are left"
expect 5 evenkeel train "${run[@]}" --batch 128 --memory $((whole / 6)) --dry-run 2> err
contains err "of memory are left"
only out err a.onnx a.onnx.state b.onnx b.onnx.state d.onnx d.onnx.state e.onnx e.onnx.state
