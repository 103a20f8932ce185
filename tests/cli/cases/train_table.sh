# Tables: numbers in, and numbers, a class or labels out; images with several labels; on from a checkpoint.
dense line.onnx 2 1
dense two.onnx 2 2
{
    echo 'id,a,b,sum,sign,up,"far out"'
    for i in {1..60}; do
        a=$(((i * 37) % 41 - 20)) b=$(((i * 23) % 31 - 15))
        s=$((2 * a - b + 5))
        echo "r$i,$a,$b,$s,$([ $s -gt 0 ] && echo plus || echo minus),$((a > 0)),$((b > 9))"
    done
} >t.csv
train() { evenkeel train "$1" --data t.csv --batch 8 -o o.onnx --overwrite "${@:2}" >out 2>err || die "$(cat err)"; }
train line.onnx --input a,b --target sum --loss mse --steps 400 --lr 0.002 --schedule constant
awk '/^loss/ { exit !($2 < 0.01) }' out || die "$(cat out err)"
contains err "evenkeel eval o.onnx --data t.csv --input a,b --target sum --loss mse"
evenkeel eval o.onnx --data t.csv --input a,b --target sum --loss mse -q >again
[ "$(grep ^loss out)" = "$(grep ^loss again)" ] || die "$(cat out again)"
grep -aq numbers o.onnx || die "it is not kept what the outputs are"
# A class by its name, some examples for validation; the same bytes after a resume, where the columns may not change.
train two.onnx --input 'a,b' --target sign --lr 0.001 --validation 0.2 --epochs 4
contains out accuracy
grep -aq minus o.onnx || die "class names are not kept"
cp o.onnx whole.onnx
evenkeel train --resume o.onnx -q >out
same o.onnx whole.onnx
expect 3 evenkeel train --resume o.onnx --input b,a 2>err
contains err "is not the data of the checkpoint"
# Columns of 0 and 1; patterns; a new last layer where it does not fit.
train two.onnx --input 'a,b' --target 'up,far*' --loss bce --epochs 1
train line.onnx --input a,b --target sign --epochs 1
contains err "2 features -> 2 classes (were 1)"
# Images with several labels.
for i in 1 2 3; do
    mkdir -p s
    base64 -d >"s/$i.png" <<<'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=='
done
printf 'image,labels,split\n1.png,sea|sky,train\n2.png,sky,train\n3.png,,test\n' >s/labels.csv
evenkeel train --data s --model lenet --size 28x28 --mean 0.5 --std 0.5 --batch 2 --steps 2 -o l.onnx >out 2>err
contains err "loss      bce"
evenkeel models l.onnx >out
contains out '?x2'
evenkeel eval l.onnx --data s --size 28x28 >out
contains out loss
