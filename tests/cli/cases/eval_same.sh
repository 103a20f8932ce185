# What training reports is what eval finds; batch and threads change nothing, to the last bit of the logits.
evenkeel train "${tiny_data[@]}" --model lenet --epochs 1 -q --json -o m.onnx > trained
evenkeel eval m.onnx "${tiny_data[@]}" --json --logits a.npy > a
grep '"accuracy"' trained | head -1 > x; grep '"accuracy"' a > y; same x y
evenkeel eval m.onnx "${tiny_data[@]}" --batch 1 --threads 1 --logits b.npy > out
evenkeel eval m.onnx "${tiny_data[@]}" --batch 7 --threads 2 --logits c.npy > out
same a.npy b.npy
same a.npy c.npy
contains a.npy "'descr': '<f4'"
images=$(sed -n 's/^  "images": \([0-9]*\),$/\1/p' a)
contains a.npy "'shape': ($images, 10)"
