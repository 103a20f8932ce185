# Without --quiet: data, model, groups, one line per epoch and the next command, all on standard error; no animation.
evenkeel train "${tiny_data[@]}" --model lenet --epochs 2 --weight-decay 1e-4 -o m.onnx
