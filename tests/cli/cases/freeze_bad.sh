# What matches nothing or asks for nothing is refused, and no file is written.
train_tiny --model cnn6 --limit 64 -o a.onnx > out
expect 2 evenkeel freeze a.onnx --stats=nothing -o b.onnx 2> message
contains message "no norm matches 'nothing'"
contains message bn1
expect 2 evenkeel freeze a.onnx --all=until:nothing -o b.onnx 2> message
contains message "no node or value"
expect 2 evenkeel freeze a.onnx --all=first:0 -o b.onnx 2> message
contains message "at least 1"
expect 2 evenkeel freeze a.onnx -o b.onnx 2> message
contains message "nothing to change"
expect 2 evenkeel freeze a.onnx --stats 2> message
contains message "--output is missing"
expect 2 evenkeel freeze 2> message
expect 4 evenkeel freeze none.onnx 2> message
train_tiny --norm layer --limit 64 -o l.onnx > out
expect 2 evenkeel freeze l.onnx --stats -o b.onnx 2> message
contains message "without running statistics"
missing b.onnx
