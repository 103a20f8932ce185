# Wrong tables, columns and losses for them: a named error before anything is computed, and nothing is written.
dense line.onnx 2 1
dense two.onnx 2 2
zeros 8 | npy y.npy '<f4' '2, 1'
printf 'a,b,y,kind,mask,none\n1,2,3.5,x,1.png,\n4,5,6,y,1.png,\n7,,8,z,1.png,\n' >t.csv
printf 'a,b,y\n1,2,3\n4,5,6\n' >good.csv
printf 'image,y\nabsent.png,1\n' >images.csv
files=$(ls -A)
wrong() { # STATUS TEXT MODEL OPTION...
    local status=$1 text=$2
    shift 2
    expect "$status" evenkeel train "$@" --quiet --steps 1 -o o.onnx >out 2>err
    contains err "$text"
    missing o.onnx
}
good=(line.onnx --data good.csv)
table=(line.onnx --data t.csv)
wrong 2 "has no column 'c' (input); its columns are: a, b, y" "${good[@]}" --input a,c --target y --loss mse
wrong 2 "has no column 'z' (target)" "${good[@]}" --input a,b --target z --loss mse
wrong 2 "no column like 'z*'" "${good[@]}" --input 'z*' --target y --loss mse
wrong 2 "is no list of columns" "${good[@]}" --input a,,b --target y --loss mse
wrong 2 "has two uses for the column 'b'" "${good[@]}" --input a,b --target b --loss mse
wrong 2 "twice the column 'a'" "${good[@]}" --input a,a --target y --loss mse
wrong 3 "t.csv, line 4: 'b' is missing (empty)" "${table[@]}" --input a,b --target y --loss mse
wrong 3 "line 2: kind is 'x', which is no number" "${table[@]}" --input a,y --target kind --loss mae
wrong 3 "holds numbers such as 3.5, and classes are expected" "${table[@]}" --input a --target y
wrong 3 "holds numbers such as 3.5, and classes are expected" "${table[@]}" --input a --target y --loss bce
wrong 3 "y is '3.5', which is neither 0 nor 1" "${table[@]}" --input a --target y,none --loss bce
wrong 3 "line 2: the none is empty" "${table[@]}" --input a --target none
wrong 3 "'none' has no label in any row" "${table[@]}" --input a --target none --loss bce
wrong 2 "'mask' is a column of masks, and the table has no images" "${table[@]}" --input a,y --target mask
wrong 3 "mask is '1.png', which is no number" "${table[@]}" --input a --target mask --loss mse
wrong 3 "names no column for the labels" "${good[@]}" --input a,b
wrong 3 "names no column for the images" "${good[@]}" --target y --loss mse
wrong 4 "images.csv, line 2: there is no ./absent.png" line.onnx --data images.csv --target y --loss mse
wrong 3 "array 'x' has shape [2,1], but 'x' is declared as" "${good[@]}" --input a --target y --loss mse
wrong 2 "used by nothing" "${good[@]}" --input z=a,b --target y --loss mse
wrong 2 "give both as columns" "${good[@]}" --input a,b --target y.npy --loss mse
wrong 2 "is no table" line.onnx --data builtin:strokes --input a,b --target y --loss mse
wrong 2 "y.npy: is no table" line.onnx --data y.npy --input a,b --target y --loss mse
wrong 2 "--input needs a model file" --model lenet --data good.csv --input a,b --target y --loss mse
wrong 2 "--crop is for images" "${good[@]}" --input a,b --target y --loss mse --crop 1
wrong 2 "--loss: 'l2' is none of" "${good[@]}" --input a,b --target y --loss l2
expect 3 evenkeel eval two.onnx --data good.csv --input a,b --target y --loss mse 2>err
contains err "gives 2 numbers for an example, but good.csv has 1 columns (y ... y)"
expect 2 evenkeel eval line.onnx --data good.csv --input a,c --target y --loss mse 2>err
contains err "has no column 'c'"
rm out err
[ "$(ls -A)" = "$files" ] || die "something was written: $(ls -A)"
