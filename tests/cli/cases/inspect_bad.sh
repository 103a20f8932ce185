expect 4 evenkeel inspect none.onnx 2> a; contains a "none.onnx"
head -c 3000 "$EVENKEEL" > bad.onnx
expect 3 evenkeel inspect bad.onnx 2> b; contains b "bad.onnx"
expect 3 evenkeel inspect bad.onnx --json > c 2>&1; contains c '"exit": 3'
expect 2 evenkeel inspect 2> d; contains d "MODEL.onnx"
expect 2 evenkeel inspect bad.onnx --chek 2> e; contains e "did you mean --check"
