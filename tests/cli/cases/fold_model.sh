# The folded model has no norm, gives the same accuracy, and folding again changes nothing.
train_tiny --model resnet20 --limit 64 -o m.onnx > out
evenkeel fold m.onnx --dry-run > a
only a m.onnx m.onnx.state out
contains a "norms     21 -> 0"
contains a "checked   relative difference"
grep -qE "^latency .* ms \(median of [0-9]+ runs each, one example\)" a || die "no latency: $(cat a)"
contains a " bytes"
evenkeel fold m.onnx -o f.onnx --json > b
contains b '"passed": true'
contains b '"removed": 21'
contains b '"output": "f.onnx"'
contains b '"nodes_before"'
contains b '"bytes_after"'
contains b '"seconds_after"'
evenkeel inspect f.onnx > c
contains c "0 norms"
evenkeel eval m.onnx "${tiny_data[@]}" | head -1 > before
evenkeel eval f.onnx "${tiny_data[@]}" | head -1 > after
same before after
contains before accuracy
evenkeel fold f.onnx -o g.onnx -q --timed 0 > d
lacks d latency
contains d "relative difference 0 "
same f.onnx g.onnx
