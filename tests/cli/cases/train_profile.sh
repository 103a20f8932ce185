train_tiny --profile -o m.onnx
