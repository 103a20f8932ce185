# A folded model gets its norms back, computes the same to the bit, and folds to the same file again.
train_tiny --model resnet20 --limit 64 -o m.onnx > out
evenkeel fold m.onnx -o f.onnx > out
evenkeel unfold f.onnx --dry-run > a
only a f.onnx m.onnx m.onnx.state out
contains a "norms     0 -> 21"
contains a "relative difference 0 on 3 random inputs"
evenkeel unfold f.onnx -o u.onnx --json > b
contains b '"norms_after": 21'
contains b '"difference": 0'
contains b '"output": "u.onnx"'
evenkeel fold u.onnx -o g.onnx > out
evenkeel diff f.onnx g.onnx > c
contains c equal
evenkeel unfold f.onnx --pattern 'layer1*' -o p.onnx > d
contains d "norms     0 -> 6"
# With data: other numbers, the same function; and it can be trained.
evenkeel unfold f.onnx "${tiny_data[@]}" -o v.onnx > e
contains e "norms     0 -> 21"
evenkeel inspect v.onnx > g
lacks g never-updated
evenkeel eval f.onnx "${tiny_data[@]}" | head -1 > before
evenkeel eval v.onnx "${tiny_data[@]}" | head -1 > after
same before after
evenkeel train --model v.onnx "${tiny_data[@]}" --steps 2 --batch 16 --quiet -o w.onnx > out
evenkeel inspect w.onnx > h
contains h "21 norms"
