# Every optimizer and schedule changes the model, and each differently.
for optimizer in "sgd --lr 0.01" "sgd --lr 0.01 --nesterov" "adam" "adam --weight-decay 0.1" "adamw --weight-decay 0.1"; do
    train_tiny --optimizer $optimizer -o m.onnx > out; cksum < m.onnx >> sums
done
for schedule in constant step cosine "cosine --warmup 3"; do
    train_tiny --lr 0.01 --schedule $schedule -o m.onnx > out; cksum < m.onnx >> sums
done
[ "$(sort -u sums | wc -l)" -eq 9 ] || die "two runs gave the same model: $(cat sums)"
