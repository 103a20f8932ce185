# The statistics of each norm against the data's, accuracy both ways, and the likely cause.
evenkeel train --data builtin:strokes:900 --model lenet --batch 32 --epochs 2 --threads 2 -q -o m.onnx > out
evenkeel inspect m.onnx --data builtin:strokes:900 --split train --limit 300 > fits
contains fits "cause of a gap: none"
contains fits "with those of each batch"
evenkeel inspect m.onnx --data builtin:strokes:900 --split train --limit 300 --input-affine 0.3,0.4 > dark
contains dark "likely cause of a gap: input-scale: "
contains dark "the norms fit images fed as"
contains dark "recalibrate"
evenkeel inspect m.onnx --data builtin:strokes:900 --split train --limit 300 --input-affine 0.3,0.4 --json > json
contains json '"accuracy_batch"'
contains json '"off": true'
contains json '"code": "input-scale"'
contains json '"initial_share": 0'
contains json '"accuracy_noise"'
expect 1 evenkeel inspect m.onnx --data builtin:strokes:900 --split train --limit 300 --input-affine 0.3,0.4 --check > check
evenkeel inspect m.onnx --data builtin:strokes:900 --split train --limit 300 --check > check
# Statistics that nobody ever measured, frozen or not.
evenkeel train --data builtin:strokes:900 --model lenet --batch 32 --steps 30 --lr 0.02 --freeze-stats --threads 2 -q -o never.onnx > out
evenkeel inspect never.onnx --data builtin:strokes:900 --split train --limit 300 > never
lacks never "not measured:"
contains never "! bn1"
# Without labels: the shift alone, and no label is asked for.
head -c 78400 /dev/urandom | npy noise.npy '|u1' '100, 28, 28'
evenkeel inspect m.onnx --data noise.npy > noise
lacks noise accuracy
contains noise "mean off by"
expect 4 evenkeel inspect m.onnx --data nowhere 2> message
contains message nowhere
