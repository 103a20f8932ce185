train_tiny -o m.onnx
only m.onnx m.onnx.state
for key in evenkeel.mean evenkeel.std evenkeel.classes; do contains m.onnx $key; done
