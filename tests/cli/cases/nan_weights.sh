# A NaN in the bias of the classifier: neither eval nor training takes it for a result.
model m.onnx
at=$(LC_ALL=C grep -aobUP '\x10\x01J\(' m.onnx | tail -1 | cut -d: -f1)
[ -n "$at" ] || die "the bias of ten values was not found"
bytes 00 00 c0 7f | dd of=m.onnx bs=1 seek=$((at + 4)) conv=notrunc status=none
expect 6 evenkeel eval m.onnx "${tiny_data[@]}" > result 2> message
contains message "m.onnx: the loss is not finite"
lacks result loss
expect 6 evenkeel eval m.onnx "${tiny_data[@]}" --json > result 2> message
contains result '"exit": 6'
rm -f m.onnx.state
expect 6 evenkeel train "${tiny_data[@]}" --model m.onnx --steps 2 -q -o n.onnx 2> message
contains message "At step 1. A lower --lr"
missing n.onnx
