# Images in another light: the accuracy that is lost comes back, from images without labels; images of something else
# make it worse, and a dry run tells.
evenkeel train --data builtin:strokes:1200 --model lenet --batch 32 --epochs 3 --threads 2 -q -o m.onnx > out
accuracy() { evenkeel eval "$1" --data builtin:strokes:1200 "${@:2}" --json -q | grep -oE '"accuracy": [0-9.e-]+' | cut -d' ' -f2; }
dark=(--input-affine 0.3,0.4)
clean=$(accuracy m.onnx) lost=$(accuracy m.onnx "${dark[@]}")
evenkeel recalibrate m.onnx --data builtin:strokes:1200 --split train --limit 300 "${dark[@]}" -o dark.onnx > out
back=$(accuracy dark.onnx "${dark[@]}")
awk -v a="$clean" -v b="$lost" -v c="$back" 'BEGIN { exit !(a - b > 0.3 && c - b >= 0.95 * (a - b)) }' ||
    die "accuracy $clean, in the dark $lost, recalibrated $back"
# No labels: an array alone, a folder of images alone; --test has the labels.
head -c 78400 /dev/urandom | npy noise.npy '|u1' '100, 28, 28'
expect 2 evenkeel eval m.onnx --data noise.npy 2> message
contains message labels
evenkeel recalibrate m.onnx --data noise.npy --dry-run > plan 2> message
contains message "without labels"
lacks plan accuracy
evenkeel recalibrate m.onnx --data noise.npy --test builtin:strokes:1200 --dry-run > plan 2> message
contains plan "accuracy"
contains message "accuracy falls"
evenkeel recalibrate m.onnx --data noise.npy --test builtin:strokes:1200 -o noise.onnx --json > json 2> message
contains json '"accuracy_after"'
worse=$(accuracy noise.onnx)
awk -v a="$clean" -v b="$worse" 'BEGIN { exit !(b < a - 0.1) }' || die "accuracy $clean, on noise $worse"
mkdir photos
printf 'P' > photos/notes.txt
expect 3 evenkeel recalibrate m.onnx --data photos --dry-run 2> message
contains message photos
# Old statistics that count as many images hardly move; a blend and a count exclude each other.
evenkeel recalibrate m.onnx --data noise.npy --old-images 100000000 -o old.onnx > out
kept=$(accuracy old.onnx)
awk -v a="$clean" -v b="$kept" 'BEGIN { exit !(b >= a - 0.01) }' || die "accuracy $clean, old statistics $kept"
expect 2 evenkeel recalibrate m.onnx --data noise.npy --old-images 5 --blend 0.5 --dry-run 2> message
contains message "exclude each other"
for bad in 0,1 1 1,x a,b 1,2,3; do
    expect 2 evenkeel eval m.onnx --data builtin:strokes:100 --input-affine $bad 2> message
    contains message "is not A,B"
done
