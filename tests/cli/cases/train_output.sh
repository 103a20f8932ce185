# Where nothing can be written is said before training starts.
expect 4 train_tiny --epochs 1 -o none/m.onnx 2> a
contains a "cannot write none/m.onnx"
mkdir folder
expect 4 train_tiny -o folder 2> b
contains b "it is a folder"
only a b folder
