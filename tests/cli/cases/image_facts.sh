# What training kept of the images is shown: size, mean, deviation, classes. Gray meets colour in a way that is said.
png() { mkdir -p "$(dirname "$1")"; base64 -d > "$1"; }
gray=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==
colour=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mM4IRcFAALyAUHp0gLKAAAAAElFTkSuQmCC
for class in cat dog; do
    png gray/$class/1.png <<< $gray
    png colour/$class/1.png <<< $colour
done
train() { evenkeel train --size 28x28 --batch 2 --steps 1 "$@" > out 2> message; }
train --data gray --model lenet --mean 0.5 --std 0.25 -o g.onnx
train --data colour --model lenet --mean 0.1,0.2,0.3 --std 0.5 -o c.onnx
evenkeel models g.onnx > out
contains out "images   1x28x28, mean 0.5, deviation 0.25"
contains out "classes  2: cat, dog"
evenkeel inspect c.onnx > out
contains out "images  3x28x28, mean 0.1,0.2,0.3, deviation 0.5,0.5,0.5"
contains out "classes 2: cat, dog"
for command in models inspect; do
    evenkeel $command c.onnx --json > json
    tr -d ' \n' < json > line
    contains line '"images":{"channels":3,"height":28,"width":28,"mean":[0.1,0.2,0.3],"std":[0.5,0.5,0.5],"classes":["cat","dog"]}'
done
evenkeel models lenet --json | tr -d ' \n' > line
contains line '"mean":null,"std":null,"classes":null}'
evenkeel models lenet > out
lacks out images
# Each command says which way it went, and nothing where nothing was converted.
as_gray="colour: colour images, taken as gray for the model (0.299 R + 0.587 G + 0.114 B)"
as_rgb="gray: gray images, taken as RGB for the model"
evenkeel eval g.onnx --data colour > out 2> message; contains message "$as_gray"
evenkeel eval c.onnx --data gray > out 2> message; contains message "$as_rgb"
evenkeel recalibrate g.onnx --data colour --dry-run > out 2> message; contains message "$as_gray"
evenkeel inspect c.onnx --data gray > out 2> message; contains message "$as_rgb"
train g.onnx --data colour -o o.onnx; contains message "$as_gray"
train c.onnx --data gray -o o.onnx; contains message "$as_rgb"
evenkeel eval g.onnx --data gray > out 2> message; lacks message taken
evenkeel eval c.onnx --data colour > out 2> message; lacks message taken
