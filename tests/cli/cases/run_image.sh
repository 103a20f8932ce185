# run takes images by the rules of predict, and says what an array skips.
png() { mkdir -p "$(dirname "$1")"; base64 -d > "$1"; }
gray=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==
colour=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mM4IRcFAALyAUHp0gLKAAAAAElFTkSuQmCC
png pets/cat/1.png <<< $gray
png pets/dog/1.png <<< $colour
evenkeel train --data pets --size 28x28 --model lenet --mean 0.5 --std 0.25 --batch 2 --steps 1 -q -o m.onnx > out
files=(--image pets/cat/1.png --image pets/dog/1.png)
evenkeel run m.onnx "${files[@]}" -o y.npy > out 2> message
contains out "f32 2x2"
evenkeel predict m.onnx pets --logits p.npy > out; same y.npy p.npy
evenkeel run m.onnx --image pets -o z.npy > out; same y.npy z.npy
# The array that went in, fed again as an array: the same result, with a note, since arrays skip mean and deviation.
evenkeel run m.onnx "${files[@]}" -o input=x.npy > out 2> message; lacks message "goes in as it is"
evenkeel run m.onnx --input x.npy -o z.npy > out 2> message; same y.npy z.npy
contains message "x.npy goes in as it is: the mean and deviation that m.onnx keeps are for images (--image FILE), not for arrays"
evenkeel run m.onnx --input x.npy -q > out 2> message; lacks message "goes in"
evenkeel run m.onnx --image pets --json > json 2> message; contains json '"shape": ['
expect 2 evenkeel run m.onnx -i x.npy --image pets 2> err; contains err "--image pets: every input is fed by --input"
expect 4 evenkeel run m.onnx --image none.jpg 2> err; contains err none.jpg
expect 3 evenkeel run m.onnx --image x.npy 2> err; contains err x.npy
expect 3 evenkeel run m.onnx --image pets --size 9x9 2> err; contains err "m.onnx takes images of 28x28"
