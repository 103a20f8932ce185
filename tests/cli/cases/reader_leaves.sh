# A reader that leaves, as head does, is no error: no word, and what a shell gives for SIGPIPE.
model m.onnx
mkfifo pipe
sleep 5 < pipe &
exec 3> pipe
kill $!
wait $! || true
expect 141 evenkeel models m.onnx -q >&3 2> err
[ ! -s err ] || die "$(cat err)"
# Another failure to write is one.
expect 4 evenkeel models m.onnx -q > /dev/full 2> err
contains err "cannot write to standard output"
