# A check that fails writes nothing and ends with 1.
train_tiny -o m.onnx > out
expect 1 evenkeel fold m.onnx -o f.onnx --tolerance 0 > a 2> message
contains message "more than the tolerance 0; nothing was written"
expect 1 evenkeel fold m.onnx -o f.onnx --tolerance 0 --json > b 2> message
contains b '"passed": false'
contains b '"output": null'
missing f.onnx
