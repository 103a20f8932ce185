# A folder of images trains to the bytes that the array of its pixels gives, whoever decodes, whatever is kept, over a resume; --profile says what bounds it.
mkdir -p set/0 set/1
header='BM\146\011\000\000\000\000\000\000\066\000\000\000\050\000\000\000\034\000\000\000\034\000\000\000\001\000\030\000'
header+='\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000'
repeat() { local i; for ((i = 0; i < $2; i++)); do printf %s "$1"; done; }
for i in {10..33}; do # 28 x 28 gray pixels, every row the same
    row='' colours=''
    for x in {0..27}; do
        printf -v octal '\\%03o' $(((x * i * (1 + i % 2) + i) % 256))
        row+=$octal colours+=$octal$octal$octal
    done
    printf "$header$(repeat "$colours" 28)" >"set/$((i / 22))/$i.bmp"
    printf "$(repeat "$row" 84)" >>pixels
    printf "\\00$((i / 22))\\000\\000\\000" >>labels
done
npy x.npy '|u1' '24, 3, 28, 28' <pixels
npy y.npy '<i4' '24,' <labels
rm pixels labels
run=(--model lenet --batch 4 --epochs 2 --crop 2 --flip --quiet --threads 1)
evenkeel train --data x.npy,y.npy "${run[@]}" -o array.onnx >out 2>err
for workers in 1 3; do
    evenkeel train --data set "${run[@]}" --workers $workers --profile -o m.onnx --overwrite >out 2>err
    same array.onnx m.onnx
done
contains out "images by 3 workers"
contains out "bound by"
evenkeel train --data set "${run[@]}" --profile --json -o m.onnx --overwrite >out 2>err
same array.onnx m.onnx
contains out '"bound_by": "'
contains out '"decoded": 0' # all are kept by the first step

# A resumed run decodes as it goes, and its number of workers may be another.
set -m
run+=(--epochs 40 --checkpoint-every 4)
evenkeel train --data x.npy,y.npy "${run[@]}" -o array.onnx --overwrite >out 2>err
"$EVENKEEL" train --data set "${run[@]}" -o r.onnx --workers 2 >out 2>err &
for _ in $(seq 600); do [ ! -s r.onnx.state ] || break; sleep 0.01; done
kill -INT $!
wait $! || true
evenkeel train --resume r.onnx --workers 3 --quiet >out 2>err
same array.onnx r.onnx

# A damaged file is found before the first step, also in the test data.
mkdir -p split/train split/test
cp -r set/0 set/1 split/train
cp -r set/0 set/1 split/test
head -c 1500 set/1/30.bmp >split/test/1/30.bmp
expect 3 evenkeel train --data split --model lenet -o n.onnx 2>err
contains err "split/test/1/30.bmp: damaged BMP"
expect 3 evenkeel train --data split --model lenet --dry-run 2>err
contains err "split/test/1/30.bmp: damaged BMP"
missing n.onnx
expect 2 evenkeel train --data set "${run[@]}" --workers 2000 -o n.onnx 2>err
contains err "--workers"
