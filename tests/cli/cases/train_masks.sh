# Images with masks: folders and tables, palettes and gray values, what 255 is; wrong ones are named.
one_node net.onnx Conv auto_pad=SAME_UPPER 'n 1 8 8' '3 1 3 3' 3 'n 3 8 8'
one_node mono.onnx Conv auto_pad=SAME_UPPER 'n 1 8 8' '1 1 3 3' 1 'n 1 8 8'
image_a=iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAG0lEQVR42mMQgQIGkYqKClwMIHj27BkuBggAAAK8D+fZ8D/KAAAAAElFTkSuQmCC
image_b=iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAGklEQVR42mMQAYGKigoGHAwgQDCePXuGgwEA71cP52JqmRsAAAAASUVORK5CYII=
mask_a=iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAMAAADz0U65AAAACVBMVEUAAAD/AAAA/wD0g79+AAAAGElEQVR42mNggANGRkZcDCBgYmLCxQABAAONABxK/lFcAAAAAElFTkSuQmCC
mask_b=iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAGElEQVR42mNgAAFGRkYGHAwUwMTEhIMBAANgABxXqYs2AAAAAElFTkSuQmCC
drawn_a=iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAFElEQVR42mNggIP////jYhCUZQAAhd4R74oDfAMAAAAASUVORK5CYII=
drawn_b=iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAFUlEQVR42mNgAIH///8z4GCgANzqAIXeEe+GzFTYAAAAAElFTkSuQmCC
edge_a=iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAGUlEQVR42mNggANGRkZcDCD4//8/LgYIAAC+VgkBnZOeVgAAAABJRU5ErkJggg==
png() { mkdir -p "$(dirname "$1")" && base64 -d >"$1" <<<"$2"; }
pair() { # FOLDER MASK-A MASK-B
    png "$1/images/a.png" $image_a
    png "$1/images/b.png" $image_b
    png "$1/masks/a.png" "$2"
    png "$1/masks/b.png" "$3"
}
pair two $mask_a $mask_b
pair drawn $drawn_a $drawn_b
pair edge $edge_a $mask_b
pair parts/train $mask_a $mask_b
pair parts/val $mask_a $mask_b
train() { evenkeel train "$@" --batch 2 -o o.onnx --overwrite >out 2>err || die "$(cat err)"; }
train net.onnx --data two --steps 300 --lr 0.1
awk '/^loss/ { exit !($2 < 0.2) }' out || die "$(cat out err)"
contains out 'mean IoU'
evenkeel eval o.onnx --data two -q >again
[ "$(grep ^loss out)" = "$(grep ^loss again)" ] || die "$(cat out again)"
# The same of a table, which has the same pairs.
printf 'image,mask\nimages/a.png,masks/a.png\nimages/b.png,masks/b.png\n' >two/t.csv
evenkeel eval o.onnx --data two/t.csv -q >again
[ "$(grep ^loss out)" = "$(grep ^loss again)" ] || die "$(cat out again)"
train net.onnx --data edge --steps 2
contains err '255 belong to no class'
train mono.onnx --data drawn --steps 2
contains err '255 is taken as class 1'
contains err 'loss      bce'
train net.onnx --data parts --epochs 6 --flip --crop 3 --reproducible
contains err 'best      o.best.onnx, by the loss on 2 validation images'
cp o.onnx whole.onnx
evenkeel train --resume o.onnx -q >out
same o.onnx whole.onnx
rm o.* out err again

wrong() { # STATUS TEXT MODEL OPTION...
    local status=$1 text=$2
    shift 2
    expect "$status" evenkeel train "$@" --quiet --steps 1 -o o.onnx >out 2>err
    contains err "$text"
    missing o.onnx
}
wrong 2 'masks hold classes' net.onnx --data two --loss mse
wrong 2 'and here is 2' net.onnx --data two --loss bce
wrong 2 '--crop brings pixels of no class' mono.onnx --data drawn --loss bce --crop 1
wrong 2 '--rotate brings pixels of no class' mono.onnx --data drawn --loss bce --rotate 1
wrong 2 "array 'target' is neither float32 nor float64" net.onnx --data parts --mixup 1
wrong 2 'an output for each class' mono.onnx --data drawn --loss cross-entropy
wrong 3 'have classes up to 2' mono.onnx --data two
wrong 2 'not a class for each pixel' --model lenet --data two
wrong 2 '--new-head and --cut' net.onnx --data two --new-head
wrong 2 'is no table' net.onnx --data two/images --target mask
png bad/images/a.png $image_a
png bad/masks/a.png iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mM4IRcFAALyAUHp0gLKAAAAAElFTkSuQmCC
wrong 3 'bad/masks/a.png: is a colour image' net.onnx --data bad
png bad/masks/a.png iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==
wrong 3 'bad/masks/a.png: is 1 x 1 (height x width), but its image bad/images/a.png is 8 x 8' net.onnx --data bad
mv bad/masks/a.png bad/masks/b.png
wrong 3 'none belong together' net.onnx --data bad
