bad() { # value text
    expect 2 evenkeel train --data builtin:strokes:100 -o m.onnx --norm "$1" 2> message
    contains message "--norm: '$1'"
    contains message "$2"
    only message
}
bad btach "did you mean batch?"
bad group: "the number of groups, from 1 to 1000000, is expected after the colon"
bad group:0 "the number of groups, from 1"
bad group:x "the number of groups, from 1"
bad batch:4 "none of batch"
