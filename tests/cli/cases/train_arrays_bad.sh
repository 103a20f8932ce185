# Wrong arrays and wrong losses: a named error before anything is computed, and nothing is written.
model m.onnx
zeros $((20 * 3136)) | npy x.npy '<f4' '20, 1, 28, 28'
zeros $((20 * 3136)) | npy flat.npy '<f4' '20, 784'
zeros 800 | npy y.npy '<f4' '20, 10'
zeros 80 | npy narrow.npy '<f4' '20,'
zeros 760 | npy short.npy '<f4' '19, 10'
zeros 160 | npy label.npy '<i8' '20,'
zeros 320 | npy wide.npy '<i8' '20, 2'
zeros 8 | npy number.npy '<f8' ''
zeros 0 | npy none.npy '<f4' '0, 10'
printf '\12%.0s' {1..20} | npy ten.npy '|u1' '20,'
zeros 700 | npy cut.npy '<f4' '20, 10'
printf '1 2 x' >text.txt
printf '1 2 3' >three.txt
printf '1 1 1 1 1 1 1 1 1 -1' >minus.txt
files=$(ls -A)
wrong() { # STATUS TEXT OPTION...
    local status=$1 text=$2
    shift 2
    expect "$status" evenkeel train m.onnx --quiet --steps 1 -o o.onnx "$@" >out 2>err
    contains err "$text"
    missing o.onnx
}
wrong 2 '--input needs a --target' --input x.npy
wrong 2 'give one of them' --input x.npy --target y.npy --data builtin:strokes
wrong 2 "'l2' is none of cross-entropy" --input x.npy --target y.npy --loss l2
wrong 4 'absent.onnx' --input x.npy --target y.npy --loss absent.onnx
wrong 2 '.npy' --input x.npy --target y.csv --loss mse
wrong 4 'gone.npy' --input x.npy --target gone.npy --loss mse
wrong 3 'short.npy has 19 examples, but x.npy has 20' --input x.npy --target short.npy --loss mse
wrong 3 'is a single number' --input x.npy --target number.npy --loss mse
wrong 3 'none.npy: holds no examples' --input x.npy --target none.npy --loss mse
wrong 3 'cut.npy: truncated' --input x.npy --target cut.npy --loss mse
wrong 3 "target 'target' has shape [20]" --input x.npy --target narrow.npy --loss mse
wrong 3 "array 'input' has shape [20,784], but 'input' is declared as" --input flat.npy --target y.npy --loss mse
wrong 3 'the loss takes int64' --input x.npy --target y.npy
wrong 3 'a class for each place' --input x.npy --target wide.npy
wrong 3 'class 10 at position 0' --input x.npy --target ten.npy
wrong 2 "used by nothing" --input x.npy --input z=x.npy --target y.npy --loss mse
wrong 2 "has no target" --input x.npy --target a=y.npy --target b=y.npy --loss logits=mse
wrong 2 "head 'z' is no output" --input x.npy --target y.npy --loss z=mse
wrong 2 'expected OUTPUT=W' --input x.npy --target y.npy --loss mse --loss-weight 2
wrong 2 "no --loss names the output 'z'" --input x.npy --target y.npy --loss mse --loss-weight z=2
wrong 2 'is for cross-entropy; give the numbers' --input x.npy --target y.npy --loss bce --class-weights auto
wrong 2 '--class-weights is for cross-entropy and bce' --input x.npy --target y.npy --loss mse --class-weights auto
wrong 3 'text.txt: number 3 is not one' --input x.npy --target label.npy --class-weights text.txt
wrong 3 '3 class weights' --input x.npy --target label.npy --class-weights three.txt
wrong 2 'the weight of class 9 is -1' --input x.npy --target label.npy --class-weights minus.txt
wrong 4 'absent.txt' --input x.npy --target label.npy --class-weights absent.txt
wrong 2 '--label-smoothing' --input x.npy --target label.npy --label-smoothing 1
wrong 2 '--flip is for images' --input x.npy --target y.npy --loss mse --flip
wrong 2 '--mean is for images' --input x.npy --target y.npy --loss mse --mean 0.5
wrong 2 '--test has no targets' --input x.npy --target y.npy --loss mse --test builtin:strokes
expect 2 evenkeel train --model lenet --input x.npy --target y.npy --loss mse -o o.onnx 2>err
contains err '--input needs a model file'
expect 2 evenkeel eval m.onnx --input x.npy 2>err
contains err '--input needs a --target'
expect 2 evenkeel eval m.onnx --input x.npy --target label.npy --logits l.npy 2>err
contains err "--logits is for the classifier's own loss"
rm out err
[ "$(ls -A)" = "$files" ] || die "something was written: $(ls -A)"
