# A line for each norm and the findings; --check turns a warning into status 1.
train_tiny --norm batch -o m.onnx > out
evenkeel inspect m.onnx > a
contains a "opset 17"
contains a "batch    C="
contains a "momentum=0.9"
contains a "before the activation; folds into node"
evenkeel inspect m.onnx --json > b
contains b '"foldable": true'
contains b '"findings": ['
evenkeel inspect m.onnx --check > c
evenkeel train --data builtin:strokes:400 --limit 64 --model lenet --steps 1 --freeze-stats --quiet -o n.onnx > out
evenkeel inspect n.onnx > d
contains d "never-updated"
contains d "evenkeel recalibrate measures them"
expect 1 evenkeel inspect n.onnx --check > e
same d e
