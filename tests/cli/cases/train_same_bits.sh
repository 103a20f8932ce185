# The same command gives the same bytes; another seed does not. --reproducible: any number of threads, the same model.
train_tiny -o a.onnx > out; train_tiny -o b.onnx > out
same a.onnx b.onnx; same a.onnx.state b.onnx.state
train_tiny --seed 2 -o c.onnx > out
! cmp -s a.onnx c.onnx || die "the seed changes nothing"
base=("${tiny_data[@]}" --model lenet --batch 32 --epochs 1 --quiet --reproducible)
for threads in 1 2 3; do evenkeel train "${base[@]}" --threads $threads -o r$threads.onnx > out; done
same r1.onnx r2.onnx
same r1.onnx r3.onnx
