# Classes and probabilities of image files, as text, table and JSON; names of the file, else numbers.
png() { mkdir -p "$(dirname "$1")"; base64 -d > "$1"; }
gray=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==
colour=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mM4IRcFAALyAUHp0gLKAAAAAElFTkSuQmCC
png pets/cat/1.png <<< $gray
png pets/dog/1.png <<< $colour
png pets/mouse/1.png <<< $colour
evenkeel train --data pets --size 28x28 --model lenet --mean 0.5 --std 0.5 --batch 3 --steps 1 -q -o m.onnx > out
png 'in/b/c/2.PNG' <<< $gray
png 'in/a, "b".png' <<< $colour
touch in/notes.txt
evenkeel predict m.onnx in > out 2> message
[ "$(wc -l < out)" -eq 2 ] || die "$(cat out)"
contains message "in: skipped 1: 1 not called like an image"
lacks message taken # gray and colour
contains out " %"
evenkeel predict m.onnx in/b > out 2> message
contains message "in/b: gray images, taken as RGB for the model"
evenkeel predict m.onnx in --csv --top 3 -q > table 2> message
[ ! -s message ] || die "quiet says: $(cat message)"
[ "$(head -n 1 table)" = path,class,probability,class2,probability2,class3,probability3 ] || die "$(head -n 1 table)"
contains table '"in/a, ""b"".png",'
awk -F, 'END { s = $3 + $5 + $7; exit !($3 >= $5 && $5 >= $7 && s > 0.99999 && s < 1.00001 && $2 ~ /^(cat|dog|mouse)$/) }' table ||
    die "$(cat table)"
# More classes than there are, are all of them; rows stand in the order of the paths.
evenkeel predict m.onnx in --csv -k 99 -q > more; same table more
evenkeel predict m.onnx in/b 'in/a, "b".png' --csv --top 3 -q > turned
[ "$(sed -n 2p turned)" = "$(sed -n 3p table)" ] || die "another order, other numbers"
# The table is data: pseudo-labels.
evenkeel predict m.onnx pets --json --logits l.npy > json 2> message
contains json '"path": "pets/dog/1.png"'
contains json '"predicted": 3'
contains json '"scores": "logits"'
contains json '"logits": "l.npy"'
evenkeel eval m.onnx --data pets --logits e.npy > out; same l.npy e.npy
# Ten digits without names are called by their numbers: IDX names are numbers, too.
train_tiny --epochs 1 --limit 32 -o n.onnx > out
evenkeel predict n.onnx in --csv -q > out
grep -qE ',[0-9],0\.[0-9]+$' out || die "$(cat out)"
