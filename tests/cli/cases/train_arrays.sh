# Arrays in place of images, targets of every kind, and what eval says of them; all but the weights stays in the file.
model m.onnx
head -c $((40 * 784)) "$EVENKEEL" | npy x.npy '|u1' '40, 1, 28, 28'
zeros 1600 | npy y.npy '<f4' '40, 10'
printf '\0\1\2\3\4\5\6\7\10\11%.0s' 1 2 3 4 | npy label.npy '|u1' '40,'
zeros 400 | npy bits.npy '|b1' '40, 10'
arrays=(m.onnx --input x.npy --batch 8 --epochs 2 --lr 0.01 --threads 2 --quiet)
train() { evenkeel train "${arrays[@]}" "$@" -o o.onnx --overwrite >out; }

train --target y.npy --loss mse
lacks out accuracy
evenkeel eval o.onnx --input x.npy --target y.npy --loss mse --batch 7 --quiet >again
[ "$(grep ^loss out)" = "$(grep ^loss again)" ] || die "$(cat out again)"
evenkeel diff m.onnx o.onnx >changes || true
lacks changes 'node added'
cp o.onnx first.onnx
train --target y.npy --loss mse
same o.onnx first.onnx
evenkeel train --resume o.onnx --quiet >out
same o.onnx first.onnx

train --target label.npy --label-smoothing 0.1 --class-weights auto
contains out 'of 40, training data)'
evenkeel eval o.onnx --input x.npy --target label.npy --json >out
contains out '"correct"'
contains out '"images": 40'
train --target bits.npy --loss bce --label-smoothing 0.1
train --target y.npy --loss huber --validation 0.25 --patience 2
exists o.best.onnx
rm o.best.onnx
printf '1 1 1 1 1\n2 2,2,2 0.5\n' >weights.txt
train --target label.npy --class-weights weights.txt --input input=x.npy 2>err && die 'one input given twice'
contains err "are both 'input'"
train --target label.npy --class-weights weights.txt

# The classifier's own loss by its name is the classifier's own.
train_tiny -o a.onnx >out
train_tiny --loss cross-entropy -o b.onnx >out
same a.onnx b.onnx
# Targets beside images.
zeros $((256 * 40)) | npy many.npy '<f4' '256, 10'
train_tiny --target many.npy --loss mae -o c.onnx >out
lacks out accuracy
