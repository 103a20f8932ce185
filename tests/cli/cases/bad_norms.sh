bad() { # value text
    expect 2 evenkeel train --data builtin:strokes:100 -o m.onnx --norm "$1" 2> message
    contains message "--norm: '$1'"
    contains message "$2"
    only message
}
bad btach "did you mean batch?"
bad group: "none of batch"
bad group:0 "none of batch"
bad group:x "none of batch"
bad batch:4 "none of batch"
