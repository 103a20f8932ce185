# Models that say more than one class: masks of every image's size, labels and numbers by their names, arrays.
one_node net.onnx Conv auto_pad=SAME_UPPER 'n 1 8 8' '3 1 3 3' 3 'n 3 8 8'
image=iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAG0lEQVR42mMQgQIGkYqKClwMIHj27BkuBggAAAK8D+fZ8D/KAAAAAElFTkSuQmCC
small=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==
png() { mkdir -p "$(dirname "$1")" && base64 -d >"$1" <<<"$2"; }
side() { head -c 20 "$1" | tail -c 1 | od -An -tu1 | tr -d ' '; }
png in/a.png $image
png in/deep/b.PNG $small
evenkeel predict net.onnx in -o out -q >said
[ "$(find out -name '*.png' | sort | tr '\n' ' ')" = 'out/a.png out/deep/b.png ' ] || die "$(find out)"
[ "$(side out/a.png)" = 8 ] && [ "$(side out/deep/b.png)" = 1 ] || die "masks are not as large as their images"
contains said out/deep/b.png
# A mask that was written is a mask to train on.
mkdir -p set
cp -r in set/images
cp -r out set/masks
rm set/images/deep/b.PNG
evenkeel train net.onnx --data set --steps 1 -o o.onnx -q >said
contains said 'mean IoU'
# Beside the images, and not taken for images the next time.
evenkeel predict net.onnx in --csv -q >said
[ "$(cat said)" = "$(printf 'path,mask\nin/a.png,in/a.mask.png\nin/deep/b.PNG,in/deep/b.mask.png')" ] || die "$(cat said)"
evenkeel predict net.onnx in --json --logits l.npy >said 2>err
contains err '2 masks (NAME.mask.png) are left out'
contains said '"kind": "pixels"'
contains said '"predicted": 2'
grep -aqF "'shape': (2, 3, 8, 8)" l.npy || die "$(head -c 120 l.npy)"
same in/a.mask.png out/a.png
# Wrong ones.
expect 2 evenkeel predict net.onnx in -o in 2>err
contains err 'would take its place'
png in/a.bmp $image
expect 2 evenkeel predict net.onnx in -o more 2>err
contains err 'in/a.bmp and in/a.png would both get the mask more/a.png'
missing more
expect 2 evenkeel predict net.onnx in/deep --top 2 2>err
contains err '--top is for one class'
touch taken
expect 4 evenkeel predict net.onnx in/a.png -o taken 2>err
contains err taken
# Labels and numbers.
printf 'path,labels,x,y\nin/a.png,"up,down",1.5,2\nin/deep/b.PNG,up,-1,0\n' >t.csv
train() { evenkeel train --data t.csv --model lenet --size 28x28 --batch 2 --steps 1 -q "$@" >/dev/null 2>&1; }
train -o labels.onnx
train --target x,y --loss mse -o numbers.onnx
evenkeel predict labels.onnx in/a.png --csv -q >said
[ "$(head -n 1 said)" = path,down,up ] || die "$(cat said)"
awk -F, 'NR == 2 { exit !($2 >= 0 && $2 <= 1 && $3 >= 0 && $3 <= 1) }' said || die "$(cat said)"
evenkeel predict labels.onnx in/a.png --json >said 2>err
contains said '"label": "down"'
evenkeel predict numbers.onnx in/a.png in/deep/b.PNG --csv --logits l.npy -q >said
[ "$(head -n 1 said)" = path,x,y ] || die "$(cat said)"
grep -aqF "'shape': (2, 2)" l.npy || die "$(head -c 120 l.npy)"
evenkeel predict numbers.onnx in/a.png -q >said
contains said 'in/a.png  x '
expect 2 evenkeel predict numbers.onnx in/a.png -o more 2>err
contains err 'makes none'
