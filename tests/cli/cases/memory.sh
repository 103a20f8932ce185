# --memory: budgets, and what is none; what does not fit is refused by name.
for wrong in 0 -1 M 12X 1GG 99999999999999999999 1.5G; do
    expect 2 evenkeel models "--memory=$wrong" 2>message
    contains message "--memory '$wrong': expected a number of bytes above 0, as 800M or 2G"
done
for right in 2147483648 2000m 2G 1T; do expect 0 evenkeel models --memory $right >list; done
expect 5 evenkeel train --data builtin:strokes:100 --model lenet --steps 1 --memory 2M -o m.onnx 2>message
contains message "memory"
only message list
