# Another number of threads is allowed, and said.
train_tiny -o m.onnx > out
evenkeel train --resume m.onnx --threads 1
