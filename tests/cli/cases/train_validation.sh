# --validation: a share of the training data of each class, after each epoch; the best model beside the last; --patience.
few=(--data builtin:strokes:400 --limit 120 --model lenet --batch 20 --threads 1 --seed 3)
evenkeel train "${few[@]}" --validation 0.2 --epochs 5 -o m.onnx --json >out 2>err
only err m.best.onnx m.onnx m.onnx.state out
contains out '"best_file": "m.best.onnx"'
contains out '"images": 24,'
[ "$(grep -c '"event": "epoch".*"validation_loss": .*"validation_accuracy": ' err)" -eq 5 ] || die "no five validated epochs"

# The best file is the model of its epoch: a run that ends there has the same weights.
best=$(sed -n 's/.*"best_epoch": \([0-9]*\).*/\1/p' out)
loss=$(sed -n 's/.*"best_loss": \([0-9.e+-]*\).*/\1/p' out)
least=$(grep -o '"validation_loss": [0-9.e+-]*' err | cut -d" " -f2 | sort -g | head -1)
[ "$loss" = "$least" ] || die "best_loss $loss is not the least, $least"
[ "$(sed -n "s/.*\"epoch\": $best,.*\"validation_loss\": \([0-9.e+-]*\).*/\1/p" err)" = "$least" ] || die "epoch $best is not the best"

# Training itself is not touched by validation, nor by when checkpoints are written.
evenkeel train "${few[@]}" --epochs 2 -q -o plain.onnx >a
evenkeel train "${few[@]}" --epochs 2 --validation builtin:strokes:120 -q -o watched.onnx >b
same plain.onnx watched.onnx
missing plain.best.onnx
evenkeel train "${few[@]}" --validation 0.2 --epochs 5 --schedule constant -q -o a.onnx >a
evenkeel train "${few[@]}" --validation 0.2 --epochs 5 --schedule constant -q --patience 50 --checkpoint-every 4 -o b.onnx >b
same a.onnx b.onnx
same a.best.onnx b.best.onnx

# Patience ends a run with a rate that is too high. What has ended stays ended.
evenkeel train "${few[@]}" --validation 0.2 --epochs 30 --patience 1 --schedule constant --lr 3 -o p.onnx >p 2>p.err
contains p.err "stopped   the validation loss was not lower for 1 epochs"
lacks p.err "epoch 30/30"
contains p "on the validation data: p.best.onnx"
cp p.onnx before.onnx
evenkeel train --resume p.onnx -q >p2
same p.onnx before.onnx
evenkeel train "${few[@]}" --epochs 1 -q -o p.onnx >p2 # no unfinished training, so nothing is to be overwritten

# Resumed to another place: the best file comes along.
evenkeel train --resume a.onnx -o c.onnx -q >c
same a.best.onnx c.best.onnx
# A best file that is gone is missed, and another share is other data.
rm a.best.onnx
evenkeel train --resume b.onnx -o a.onnx -q >c
same a.best.onnx b.best.onnx
expect 3 evenkeel train --resume b.onnx --validation 0.3 2>e
contains e "is not the data of the checkpoint"

# Other images by name, none, and what is refused.
evenkeel train "${few[@]}" --validation builtin:strokes:120 --epochs 1 -o s.onnx >out 2>err
contains err "by the loss on 20 validation images"
for wrong in 0 1 1.5 -0.1; do
    expect 2 evenkeel train "${few[@]}" --validation=$wrong -o x.onnx 2>e
    contains e "above 0 and below 1"
done
expect 4 evenkeel train "${few[@]}" --validation nowhere -o x.onnx 2>e
contains e "--validation: nowhere"
expect 2 evenkeel train "${few[@]}" --patience 3 -o x.onnx 2>e
contains e "--validation 0.1"
missing x.onnx
missing x.best.onnx
