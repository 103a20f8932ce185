# Norms that a file has in training mode: said, and written in inference mode by what changes them.
case_files
evenkeel fold "$files/training_export.onnx" -o f.onnx > out
contains out "it is in training mode"
contains out "evenkeel convert --inference"
same "$files/training_export.onnx" f.onnx
evenkeel recalibrate "$files/training_export.onnx" "${tiny_data[@]}" -o r.onnx > out 2>&1
contains out "2 were in training mode"
differs "$files/training_export.onnx" r.onnx 'node  */[14]/BatchNormalization: 5 -> 1 outputs: .*' 'tensor  *[14]\.running_.*'
evenkeel train --model "$files/training_export.onnx" "${tiny_data[@]}" --steps 2 -o t.onnx > out 2>&1
contains out "training mode"
for file in r.onnx t.onnx; do
    evenkeel inspect $file > seen
    lacks seen TRAINING
done
# Before opset 14 one output cannot say it; from 14 on three can.
for opset in 7 9 13; do
    expect 3 evenkeel convert "$files/is_test0_one_output.onnx" --opset $opset -o no.onnx 2> why
    contains why "--inference"
    missing no.onnx
done
for opset in 14 15 21; do
    evenkeel convert "$files/is_test0_one_output.onnx" --opset $opset -o o$opset.onnx > out
    contains out "relative difference 0 on 3 random inputs"
    expect 1 evenkeel diff "$files/is_test0_one_output.onnx" o$opset.onnx > listed
    contains listed "training_mode: none -> 1"
    contains listed "1 -> 3 outputs"
done
for opset in 7 9 14 15; do
    evenkeel convert "$files/is_test0_one_output.onnx" --inference --opset $opset -o i$opset.onnx > out
    evenkeel inspect i$opset.onnx > seen
    lacks seen TRAINING
done
