# A file size limit stands for a full disk: exit status 4, and neither a model nor a temporary file is left.
(
    ulimit -f 16
    expect 4 train_tiny -o m.onnx 2> /dev/null
)
[ -z "$(ls -A)" ] || die "left behind: $(ls -A)"
(ulimit -f 16; train_tiny -o m.onnx)
