# Latency of a model, as it is and folded, and the time of each operator.
evenkeel train --data builtin:strokes:64 --model cnn6 --steps 2 --out m.onnx --quiet > /dev/null
evenkeel bench model m.onnx --batch 2 --rounds 1 --threads 1 > table
for word in "as it is" folded "times as fast" Conv BatchNormalization Gemm; do contains table "$word"; done
evenkeel bench model m.onnx --rounds 1 --json > a.json
for key in batch rounds models nodes seconds examples_per_second operators; do contains a.json "\"$key\":"; done
evenkeel fold m.onnx -o f.onnx --quiet > /dev/null
evenkeel bench model f.onnx --rounds 1 > table # nothing to fold: one contender
lacks table folded
expect 2 evenkeel bench model 2> e; contains e "wants a file"
expect 2 evenkeel bench norm m.onnx 2> e; contains e "takes no file"
expect 4 evenkeel bench model missing.onnx 2> e; contains e "missing.onnx"
printf 'no model' > bad.onnx
expect 3 evenkeel bench model bad.onnx 2> e; contains e "bad.onnx"
