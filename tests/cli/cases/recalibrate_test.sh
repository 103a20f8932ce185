# --limit is for --data, --test-limit for --test; without a limit all of the test images count.
train_tiny -o m.onnx > out
evenkeel recalibrate m.onnx --data builtin:strokes:400 --limit 100 --test builtin:strokes:300 --dry-run --json > a
contains a '"images": 100'
evenkeel eval m.onnx --data builtin:strokes:300 --json > all
images=$(sed -n 's/^ *"images": \([0-9]*\),*$/\1/p' all)
contains a "\"test_images\": $images"
evenkeel recalibrate m.onnx --data builtin:strokes:400 --limit 100 --test builtin:strokes:300 --test-limit 20 --dry-run --json > b
contains b '"images": 100'
contains b '"test_images": 20'
evenkeel recalibrate m.onnx --data builtin:strokes:400 --limit 100 --dry-run --json > c
contains c '"test_images": 100'
expect 2 evenkeel recalibrate m.onnx "${tiny_data[@]}" --test-limit 5 --dry-run 2> err; contains err "--test, which is missing"
