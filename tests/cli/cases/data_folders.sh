# Folders as people have them: what is read, what is skipped and said once, and on what accuracy was measured.
bmp() { # FILE COLOUR: 4 x 4 pixels of one colour
    mkdir -p "$(dirname "$1")"
    { printf BM; bytes 66 00 00 00 00 00 00 00 36 00 00 00 28 00 00 00 04 00 00 00 04 00 00 00 01 00 18 00; zeros 24
      for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do bytes "$2" 30 40; done; } > "$1"
}
train=(train --model lenet --size 28x28 --epochs 1 --batch 2 -o m.onnx)
bmp photos/cat/1.BMP 10
bmp photos/cat/deep/er/2.bmp 20
bmp photos/dog/1.dib f0
touch photos/dog/a.gif photos/dog/b.GIF photos/dog/c.heic photos/.DS_Store photos/notes.txt
evenkeel "${train[@]}" --data photos > out 2> err
contains out "of 3, training data)"
contains err "photos has no test split; accuracy will be that of the training data"
contains err "photos: skipped 5: "
contains err "2 .gif (not read; mogrify -format png *.gif converts them)"
contains err "1 .heic (not read"
contains err "1 hidden"
contains err "1 not called like an image"
[ "$(grep -c skipped err)" -eq 1 ] || die "skipped is said more than once"
evenkeel eval m.onnx --data photos > out
contains out "of 3, the whole set)"
evenkeel eval m.onnx --data photos --json > out
contains out '"evaluated_on": "all"'
evenkeel "${train[@]}" --data photos --json > out
contains out '"evaluated_on": "training"'
evenkeel "${train[@]}" --data photos --test photos > out
contains out "of 3, training data)"
expect 4 evenkeel eval m.onnx --data photos --split validation 2> err
contains err "photos: has no validation data"
expect 4 evenkeel eval m.onnx --data builtin:strokes:20 --split validation 2> err
contains err "builtin:strokes:20: has no validation data"

# Splits, in any case and by the usual names.
for split in Train TEST dev; do
    bmp "set/$split/cat/1.bmp" 10
    bmp "set/$split/dog/1.bmp" f0
done
bmp set/dev/dog/2.bmp f1
evenkeel "${train[@]}" --data set > out 2> err
contains out "of 2, test)"
contains err "best      m.best.onnx, by the loss on 3 validation images"
evenkeel eval m.onnx --data set --split validation > out
contains out "of 3, validation)"
rm -r set/TEST
evenkeel "${train[@]}" --data set --json > out 2> err
contains out '"evaluated_on": "validation"'

# What goes wrong names the remedy.
bmp set/Train/cat/2.bmp 12
printf '\006' | dd of=set/Train/cat/2.bmp bs=1 seek=22 conv=notrunc 2> /dev/null
expect 3 evenkeel train --data set --size 28 --model lenet --epochs 1 -o n.onnx 2> err
contains err "2.bmp: damaged BMP (it ends too early)"
expect 3 evenkeel train --data set --model lenet --epochs 1 -o n.onnx 2> err
contains err "--size 4x4"
expect 3 evenkeel train --data photos/dog --model lenet --epochs 1 -o n.onnx 2> err
contains err "photos/dog: has 1 image and 0 class folders; make a folder for each class (cat/1.jpg, dog/1.jpg), or a table labels.csv"

# A flat folder with a table, and class numbers written as columns.
for i in 1 2 3; do bmp "flat/img/$i.bmp" "$((i * 11))"; done
printf '\357\273\277File;Class;Split\r\n1.bmp;"cat";train\r\n2.bmp;dog;train\r\n3.bmp;cat;val\r\n' > flat/labels.csv
evenkeel "${train[@]}" --data flat --json > out 2> err
contains out '"evaluated_on": "validation"'
evenkeel eval m.onnx --data flat/labels.csv --split train > out
contains out "of 2, training data)"
printf '1.bmp;dog;train\n4.bmp;dog;train\n' >> flat/labels.csv
expect 4 evenkeel eval m.onnx --data flat --split train 2> err
contains err "flat/labels.csv, line 6: there is no flat/img/4.bmp"
zeros 1568 | npy x.npy '|u1' 2,1,28,28
bytes 00 01 01 00 | npy y.npy '|u1' 2,2
evenkeel train --model lenet --epochs 1 --batch 2 -o m.onnx --data x.npy,y.npy > out 2> err
contains out "of 2, training data)"
contains err "y.npy: one-hot labels, taken as the number of the column that holds the 1"
bmp other/fox/1.bmp 10
bmp other/owl/1.bmp 20
expect 3 evenkeel train --model lenet --size 28 --epochs 1 -o n.onnx --data photos --test other 2> err
contains err "class 0 is 'cat' in photos, but 'fox' in other; both need the same classes"
