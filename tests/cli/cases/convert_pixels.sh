# Preprocessing goes into a file and out again; every command does with it what it did before.
train_tiny --norm batch -o m.onnx > out
evenkeel convert m.onnx --preprocess uint8-nhwc --probabilities -o p.onnx > out
contains out "pixels    uint8-nhwc, images of any one size"
evenkeel convert p.onnx --strip-preprocess -o s.onnx > out
same m.onnx s.onnx
evenkeel models p.onnx > out
contains out "pixels   uint8-nhwc: the file takes these"
evenkeel eval m.onnx "${tiny_data[@]}" --logits a.npy > a
evenkeel eval p.onnx "${tiny_data[@]}" --logits b.npy > b
same a.npy b.npy
# What changes numbers changes the same ones, and the way back is still there.
for file in m p; do
    evenkeel recalibrate $file.onnx "${tiny_data[@]}" -o r$file.onnx > out
    evenkeel train $file.onnx "${tiny_data[@]}" --steps 3 --batch 32 --quiet --threads 1 --reproducible -o t$file.onnx > out
    evenkeel fold $file.onnx -o f$file.onnx > out
done
for change in r t f; do
    evenkeel convert ${change}p.onnx --strip-preprocess -o back.onnx > out
    evenkeel diff ${change}m.onnx back.onnx > out || die "$change: $(cat out)"
    evenkeel eval ${change}p.onnx "${tiny_data[@]}" > out
done
# In place, in other pixels, alone with --channels; names of classes from the data, where the file has none.
evenkeel convert p.onnx --strip-preprocess --channels 3 -o q.onnx --json > out
contains out '"preprocess": "float"'
evenkeel models m.onnx > out
# Refusals.
expect 3 evenkeel convert p.onnx --preprocess float -o x.onnx 2> message
contains message "evenkeel convert --strip-preprocess takes it out"
expect 2 evenkeel convert m.onnx --strip-preprocess -o x.onnx 2> message
contains message "no preprocessing that Evenkeel put into it"
expect 2 evenkeel convert m.onnx --preprocess float --norm frozen -o x.onnx 2> message
contains message "first --norm, then --preprocess"
expect 2 evenkeel convert m.onnx --probabilities -o x.onnx 2> message
contains message "--probabilities goes with --preprocess"
expect 2 evenkeel convert m.onnx --preprocess rgb -o x.onnx 2> message
missing x.onnx
# A mark that does not fit is refused by name where it counts, and the file can still be used.
sed 's/CgVpbnB1d/CgVpbnB2d/' p.onnx > bad.onnx
expect 3 evenkeel convert bad.onnx --strip-preprocess -o x.onnx 2> message
contains message "metadata evenkeel.preprocess.input does not fit the graph any more"
evenkeel inspect bad.onnx > out
