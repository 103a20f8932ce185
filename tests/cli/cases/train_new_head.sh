# A file of ten classes is trained on five: a new classifier, said aloud; the rest starts from where it was.
train_tiny --model cnn6 --limit 64 -o a.onnx > out
images() { # COUNT images of 1x28x28 and labels 0 to 4, as .npy
    head -c $(($1 * 784)) /dev/urandom | npy x.npy '|u1' "$1, 28, 28"
    for ((i = 0; i < $1; i++)); do bytes "0$((i % 5))"; done | npy y.npy '|u1' "$1,"
}
images 40
expect 0 evenkeel train a.onnx --data x.npy,y.npy --new-head --steps 2 --batch 20 --lr 0.001 --json -o b.onnx > json 2> message
contains message "head      new: node 'fc' (Gemm): 64 features -> 5 classes (were 10); its weights are random, seed 1"
contains json '"head": "node '
evenkeel models b.onnx > tensors
contains tensors "fc.weight                        f32   5x64"
contains b.onnx evenkeel.classes
evenkeel eval b.onnx --data x.npy,y.npy > out
# The same seed gives the same classifier, another one another; --steps 1 at next to no rate shows it.
count=0
for seed in 1 1 2; do
    evenkeel train a.onnx --data x.npy,y.npy --new-head --steps 1 --batch 40 --lr 1e-12 --seed $seed -q -o s$seed.onnx > out
    mv s$seed.onnx s$seed.$((++count)).onnx
done
expect 0 evenkeel diff s1.1.onnx s1.2.onnx > out
expect 1 evenkeel diff s1.1.onnx s2.3.onnx > out
contains out fc.weight
# Where there is no classifier to be found, the message has the remedy; a cut is one.
expect 2 evenkeel train a.onnx --data x.npy,y.npy --cut nothing -q -o c.onnx 2> message
contains message "'nothing'"
missing c.onnx
evenkeel train a.onnx --data x.npy,y.npy --cut relu4 --steps 2 --batch 20 --lr 0.001 -q -o c.onnx > out 2> message
evenkeel models c.onnx > tensors
contains tensors head.weight
lacks tensors conv6
# The operand and --model say the same, and not both.
expect 2 evenkeel train a.onnx --model cnn6 --data x.npy,y.npy -q -o d.onnx 2> message
contains message "give one"
# Going on keeps the classifier.
evenkeel train --resume b.onnx -q > out
evenkeel train b.onnx --data x.npy,y.npy --steps 1 --batch 20 --lr 1e-12 -o e.onnx 2> message > out
lacks message "head      new"
