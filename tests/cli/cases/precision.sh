# --precision bf16: refused with the reason where the processor has none (here oneDNN is told so); where it has, a model
# trains, the file is f32, batch and threads change no bit of inference, nor threads one of a reproducible run, a resumed
# run is the whole one, and it cannot go on in the other precision.
ONEDNN_MAX_CPU_ISA=AVX2 expect 3 evenkeel train "${tiny[@]}" --precision bf16 -o m.onnx 2> err
contains err "precision bf16 needs a processor with AVX512_BF16"
contains err "stay with f32"
only err
expect 2 evenkeel train "${tiny[@]}" --precision f16 -o m.onnx 2> err
contains err "f32|bf16"
model base.onnx
ONEDNN_MAX_CPU_ISA=AVX2 expect 3 evenkeel eval base.onnx "${tiny_data[@]}" --precision bf16 2> err
contains err "AVX512_BF16"
rm -f base.onnx*

if ! evenkeel env --json | grep -q '"bf16": true'; then echo "skipped: this processor has no bf16"; exit 0; fi
run=(--data builtin:strokes:400 --limit 256 --model resnet20 --batch 32 --steps 8 --quiet --precision bf16 --reproducible)
evenkeel train "${run[@]}" --threads 1 -o a.onnx > out
evenkeel train "${run[@]}" --threads 2 -o b.onnx > out
same a.onnx b.onnx
expect 2 evenkeel train --resume a.onnx --precision f32 > out 2> err
contains err "--precision is bf16 there, f32 now"
set -m # as in interrupt.sh
"$EVENKEEL" train "${run[@]}" --threads 2 --checkpoint-every 1 -o c.onnx > out 2> err &
for _ in $(seq 600); do [ ! -s c.onnx.state ] || break; sleep 0.01; done
kill -INT $! && wait $! || true
evenkeel train --resume c.onnx --quiet > out
same a.onnx c.onnx
evenkeel models a.onnx --json > out
lacks out bfloat16
evenkeel eval a.onnx "${tiny_data[@]}" --precision bf16 --batch 1 --threads 1 --logits x.npy > out
evenkeel eval a.onnx "${tiny_data[@]}" --precision bf16 --batch 7 --threads 2 --logits y.npy > out
same x.npy y.npy
evenkeel eval a.onnx "${tiny_data[@]}" --logits z.npy > out
! cmp -s x.npy z.npy || die "bf16 and f32 give the same bits"
evenkeel bench model a.onnx --precision bf16 --rounds 1 > out
