# Numbers that leave all bounds end training with status 6, name the layer and the step, and leave the last good file.
run=("${tiny_data[@]}" --model lenet --batch 16 --threads 1 --schedule constant)
expect 6 evenkeel train "${run[@]}" --lr 1000 --epochs 3 -o m.onnx 2> err > out
contains err "warning: --lr 1000 is 5000 times the default, 0.2: training will most likely diverge"
contains err "training has diverged: at step "
contains err ", where guessing costs 2.3; it left all bounds at step "
grep -qE "when '[a-z0-9]+\.(weight|bias|scale)' had grown [0-9.e+]+-fold" err || die "no layer: $(cat err)"
contains err "Nothing was written to m.onnx"
only err out
expect 6 evenkeel train "${run[@]}" --norm none --lr 1e6 --epochs 3 -o m.onnx 2> err > out
contains err "Nothing was written to m.onnx"
grep -qE "'[a-z0-9]+\.(weight|bias)'" err || die "no layer: $(cat err)"
only err out
# A good checkpoint stays: a rate that only the third epoch has.
evenkeel train "${run[@]}" --lr 0.05 --epochs 1 -q -o good.onnx > out
expect 6 evenkeel train good.onnx "${run[@]:0:4}" --batch 16 --threads 1 --schedule cosine --warmup 40 --lr 3000 --epochs 4 \
    --checkpoint-every 1 -o m.onnx 2> err > out
contains err "The last good checkpoint, of step "
step=$(sed -n 's/.*The last good checkpoint, of step \([0-9]*\),.*/\1/p' err)
left=$(sed -n 's/.*it left all bounds at step \([0-9]*\),.*/\1/p' err)
[ -z "$left" ] || [ "$step" -lt $((left + 5)) ] || die "a checkpoint of step $step, lost since $left"
evenkeel inspect m.onnx > out
# Healthy training at high rates goes on.
for options in "--lr 1 --norm batch" "--lr 0.4 --norm group:2" "--lr 0.1 --optimizer adam --norm layer" "--lr 0.1 --norm none"; do
    evenkeel train "${tiny_data[@]}" --model lenet --batch 16 --threads 1 --seed 3 -q --epochs 2 -o h.onnx $options > out 2> err
    contains out accuracy
    lacks err warning
done
