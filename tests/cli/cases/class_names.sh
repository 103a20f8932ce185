# Classes are numbers to a model; where both sides have names, they are compared.
folder() { # NAME CLASS...: an image of one pixel for each class, below train and test
    local name=$1 class
    shift
    for class; do
        for split in train test; do
            mkdir -p "$name/$split/$class"
            base64 -d > "$name/$split/$class/1.png" \
                <<< 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=='
        done
    done
}
folder pets cat dog
folder other bird fish
folder counted 0 1
train() { evenkeel train --size 28x28 --mean 0.5 --std 0.5 --batch 2 --steps 1 "$@" > out 2> message; }
train --data pets --model lenet -o m.onnx
evenkeel eval m.onnx --data pets > out 2> message
lacks message "class 0"
# Other names: said, not refused.
evenkeel eval m.onnx --data other > out 2> message
contains message "class 0 is 'cat' in m.onnx, but 'bird' in other"
train --data other --model m.onnx -o n.onnx
contains message "class 0 is 'cat' in m.onnx, but 'bird' in other"
# Not where the classifier begins anew, nor where the names are only numbers.
train --data other --model m.onnx --new-head -o n.onnx
lacks message "class 0 is"
evenkeel eval n.onnx --data other > out 2> message
lacks message "class 0 is"
evenkeel eval m.onnx --data counted > out 2> message
lacks message "class 0 is"
# The same names in another order would be measured against the wrong labels.
folder more ant cat
expect 3 evenkeel eval m.onnx --data more > out 2> message
contains message "class 0 is 'cat' in m.onnx, but class 1 in more"
