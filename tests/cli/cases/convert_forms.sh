# One node, written out, one node again: the same norm; where the opset lacks the node it is named.
train_tiny --norm group -o m.onnx > out
evenkeel convert m.onnx --spell-out -o s.onnx > a
contains a "GroupNormalization as nodes of opset 21"
contains a "proved "
evenkeel convert s.onnx --fuse -o f.onnx > b
contains b "one GroupNormalization"
evenkeel inspect f.onnx > c
contains c "groups="
evenkeel convert m.onnx --spell-out --opset 17 -o l.onnx > g
contains g "GroupNormalization as nodes of opset 17"
evenkeel inspect l.onnx > h
contains h "opset 17"
contains h "instance norm of groups"
evenkeel convert f.onnx --fuse --dry-run > d
contains d "it is one node"
evenkeel convert f.onnx --untie --dry-run > e
contains e "no tensor is read by several parameters"
expect 2 evenkeel convert s.onnx --fuse --spell-out --dry-run 2> said
contains said "ask for one of them"
expect 2 evenkeel convert s.onnx --fuse --pattern 'nothing*' --dry-run 2> said
contains said "no norm that is written out matches 'nothing"
only a b c d e f.onnx g h l.onnx m.onnx m.onnx.state out s.onnx said
