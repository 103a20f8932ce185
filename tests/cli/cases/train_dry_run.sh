train_tiny --dry-run -o m.onnx
[ -z "$(ls -A)" ] || die "a dry run wrote files"
