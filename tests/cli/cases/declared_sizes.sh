# Extents that a file declares: refused by name, before memory is asked for. (Once multiplied past 64 bits.)
files=$CLI_TESTS/../fuzz/corpus
refused() { # file, status, words of the message, command...
    local file=$files/declared-$1.onnx status=$2 words=$3
    shift 3
    expect "$status" evenkeel "${@//MODEL/$file}" 2>message
    grep -q "'x'\|(x)" message || die "the input is not named"
    contains message "$words"
    only message
}
data=(--data builtin:strokes:100)
for file in batch58 batch60; do
    refused $file 5 "does not fit" recalibrate MODEL "${data[@]}" -o o.onnx
    refused $file 5 "does not fit" recalibrate MODEL "${data[@]}" --one-pass -o o.onnx
    refused $file 5 "does not fit" inspect MODEL "${data[@]}"
    refused $file 5 "does not fit" eval MODEL "${data[@]}"
    refused $file 5 "beyond the limit" fold MODEL -o o.onnx
    refused $file 5 "beyond the limit" convert MODEL --norm group:1 "${data[@]}" -o o.onnx
    refused $file 5 "too large" bench model MODEL
done
refused i62 3 "does not take" recalibrate MODEL "${data[@]}" -o o.onnx
refused i62 3 "does not take" inspect MODEL "${data[@]}"
refused i62 3 "2305843009213693952" eval MODEL "${data[@]}"
