# A number of a file that makes no sense is about the file (status 3), not about the command line: epsilon = -1 of a norm.
model m.onnx
at=$(LC_ALL=C grep -aobUP '\xac\xc5\x27\x37' m.onnx | head -1 | cut -d: -f1)
[ -n "$at" ] || die "no epsilon of 1e-5 was found"
bytes 00 00 80 bf | dd of=m.onnx bs=1 seek="$at" conv=notrunc status=none
zeros 3136 | npy x.npy '<f4' 1,1,28,28
for command in "run m.onnx -i x.npy" "eval m.onnx --data builtin:strokes:100" "fold m.onnx -o f.onnx"; do
    expect 3 evenkeel $command > out 2> err
    contains err "epsilon"
    lacks err "Try:"
done
