bad() { # option value text
    expect 2 evenkeel train --data builtin:strokes -o m.onnx "--$1=$2" 2> message
    contains message "--$1: "
    contains message "$3"
    only message
}
bad batch abc "'abc' is not a whole number from 1"
bad batch 0 "'0' is not a whole number from 1 to 1048576"
bad batch 64.5 "'64.5' is not a whole number"
bad batch 99999999999999999999 "is not a whole number"
bad batch "" "empty"
bad lr nan "'nan' is not a number"
bad lr inf "'inf' is not a number"
bad lr 0.1x "'0.1x' is not a number"
bad lr -1 "'-1' is not a number"
bad dropout 1 "'1' is not a number from 0"
bad norm-momentum 1.5 "'1.5' is not a number from 0 to 1"
bad optimizer sgdd "'sgdd' is none of sgd|adam|adamw; did you mean sgd?"
bad schedule one "is none of constant|step|cosine|one-cycle; did you mean one-cycle?"
bad schedule cosin "did you mean cosine?"
bad size 3y "is not HEIGHTxWIDTH"
bad size 0x5 "is not HEIGHTxWIDTH"
bad mean 0.1,0.2 "'0.1,0.2' is not one number, such as 0.5"
