# A file that is no image keeps nothing from the others; what is wrong with the call is said before anything is read.
png() { mkdir -p "$(dirname "$1")"; base64 -d > "$1"; }
gray=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==
model m.onnx
png in/a.png <<< $gray
png in/z.png <<< $gray
head -c 30 in/a.png > in/m.png
expect 3 evenkeel predict m.onnx in --csv > out 2> err
[ "$(wc -l < out)" -eq 3 ] || die "$(cat out)"
contains err "in/m.png"
contains err "1 of 3 images have no prediction"
expect 3 evenkeel predict m.onnx in --json > json 2> err
contains json '"failed": 1'
contains json '"status": "EK_ERR_FORMAT"'
expect 4 evenkeel predict m.onnx in none.png > out 2> err; contains err "none.png"; lacks out in/a.png
expect 4 evenkeel predict none.onnx in 2> err; contains err none.onnx
expect 2 evenkeel predict m.onnx 2> err; contains err "missing MODEL.onnx FILE|FOLDER..."
expect 2 evenkeel predict m.onnx in --top 0 2> err; contains err "--top"
expect 2 evenkeel predict m.onnx in --csv --json > out 2> err; contains err "exclude each other"
expect 3 evenkeel predict m.onnx in --size 20x20 2> err; contains err "m.onnx takes images of 28x28; without --size"
expect 4 evenkeel predict m.onnx in --logits none/l.npy 2> err; contains err none/l.npy
mkdir empty; touch empty/a.gif empty/b.txt
expect 3 evenkeel predict m.onnx empty 2> err; contains err "empty: no image"; contains err ".gif"
expect 3 evenkeel predict m.onnx empty --json > json 2> err; contains json '"exit": 3'
# y = x + 1 for N numbers: no classifier, and no size.
bytes 08 08 12 00 3a 66 0a 0e 0a 01 78 0a 01 62 12 01 79 22 03 41 64 64 12 01 67 2a 0d 08 01 10 01 42 01 62 4a 04 00 00 80 3f \
    2a 0d 08 01 10 01 42 01 63 4a 04 00 00 80 3f 5a 10 0a 01 78 12 0b 0a 09 08 01 12 05 0a 03 12 01 4e 5a 0f 0a 01 62 12 0a 0a \
    08 08 01 12 04 0a 02 08 01 62 10 0a 01 79 12 0b 0a 09 08 01 12 05 0a 03 12 01 4e 42 04 0a 00 10 0d > add.onnx
expect 2 evenkeel predict add.onnx in 2> err; contains err "--size HxW does"
expect 3 evenkeel predict add.onnx in --size 8x8 2> err; contains err "evenkeel run --image"
# Scores that are not finite: each image is named, and the status says it.
at=$(LC_ALL=C grep -aobUP '\x10\x01J\(' m.onnx | tail -1 | cut -d: -f1)
bytes 00 00 c0 7f | dd of=m.onnx bs=1 seek=$((at + 4)) conv=notrunc status=none
rm in/m.png
expect 6 evenkeel predict m.onnx in > out 2> err; contains err "in/z.png: the scores are not finite"; lacks out in
