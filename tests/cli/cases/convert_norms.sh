# Exact conversions are exact, others are fitted on data; names stay, so that frozen switches do.
train_tiny --norm batch -o m.onnx > out
evenkeel convert m.onnx --norm frozen -o f.onnx > a
contains a "-> 0"
contains a ": a Mul and an Add"
evenkeel convert f.onnx --norm batch -o b.onnx --json > b
contains b '"norms_before": 0'
contains b '"passed": true'
lacks b '"norms_after": 0'
evenkeel convert m.onnx --norm group:4 "${tiny_data[@]}" -o g.onnx > c 2> said
contains c "a group norm of "
contains c "of the logits over the data"
contains c "accuracy  "
lacks said "carried over"
evenkeel inspect g.onnx > d
contains d "opset 17"
contains d "groups="
evenkeel convert m.onnx --norm layer --pattern first:1 --dry-run > e 2> said
contains said "carried over"
evenkeel convert g.onnx --norm batch "${tiny_data[@]}" --json --dry-run > h
contains h '"data_difference"'
contains h '"accuracy_after"'
contains h '"output": null'
only a b b.onnx c d e f.onnx g.onnx h m.onnx m.onnx.state out said
