# A NaN in the bias of the classifier: eval says so in its loss, training refuses.
model m.onnx
at=$(LC_ALL=C grep -aobUP '\x10\x01J\(' m.onnx | tail -1 | cut -d: -f1)
[ -n "$at" ] || die "the bias of ten values was not found"
bytes 00 00 c0 7f | dd of=m.onnx bs=1 seek=$((at + 4)) conv=notrunc status=none
status=0
evenkeel eval m.onnx "${tiny_data[@]}" --json > result 2> message || status=$?
[ "$status" -eq 6 ] || { [ "$status" -eq 0 ] && contains result '"loss": null'; } || die "eval: $status"
rm -f m.onnx.state
expect 6 evenkeel train "${tiny_data[@]}" --model m.onnx --steps 2 -q -o n.onnx 2> message
contains message "At step 1. A lower --lr"
missing n.onnx
