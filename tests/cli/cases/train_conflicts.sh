bad() { # text options...
    local text=$1
    shift
    expect 2 train_tiny -o m.onnx "$@" 2> message
    contains message "$text"
    missing m.onnx
}
tiny=(--data builtin:strokes:400 --model lenet --batch 32)
bad "exclude each other" --epochs 1 --steps 3
bad "--warmup needs" --warmup 3
bad "--nesterov needs" --nesterov --optimizer adam
bad "a batch of 32" --limit 20 --last drop
bad "--mean" --mean 1,2
bad "--std" --std 0
