# The statistics of the data replace those of training; batch and threads change no byte; a dry run writes nothing.
train_tiny --statistics ema -o m.onnx > out 2> warning
evenkeel recalibrate m.onnx "${tiny_data[@]}" --dry-run > a
contains a "mean moved by"
contains a "accuracy "
only a m.onnx m.onnx.state out warning
evenkeel recalibrate m.onnx "${tiny_data[@]}" -o r.onnx --json > b
contains b '"updated": true'
contains b '"accuracy_after"'
contains b '"images": 256'
evenkeel recalibrate m.onnx "${tiny_data[@]}" -o s.onnx --batch 7 --threads 1 > out
same r.onnx s.onnx
expect 1 evenkeel diff m.onnx r.onnx > c
lacks c node
# Done once more it changes next to nothing, and the old file may be the new one.
evenkeel recalibrate r.onnx "${tiny_data[@]}" -o r.onnx > d
same r.onnx s.onnx
contains d "variance x 1 to 1,"
evenkeel recalibrate m.onnx "${tiny_data[@]}" --one-pass --blend 0.5 -o h.onnx > e
expect 1 evenkeel diff r.onnx h.onnx > f
