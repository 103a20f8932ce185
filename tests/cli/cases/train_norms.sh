for norm in batch layer group:2 instance rms none; do
    for place in before after; do
        train_tiny --limit 64 --norm $norm --norm-place $place -o m.onnx > out
        contains out accuracy
        evenkeel eval m.onnx "${tiny_data[@]}" --json > result
        contains result '"accuracy": '
        rm m.onnx m.onnx.state
    done
done
