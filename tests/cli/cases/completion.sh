evenkeel completion bash > script
. ./script
try() { # words...: completes the last
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _evenkeel
    echo "${COMPREPLY[*]}"
}
[ "$(try evenkeel tr)" = train ] || die "command: $(try evenkeel tr)"
[ "$(try evenkeel train --opti)" = --optimizer ] || die option
[ "$(try evenkeel train --optimizer ad)" = "adam adamw" ] || die value
touch bad.onnx
[ "$(try evenkeel eval ba)" = bad.onnx ] || die file
[ -z "$(try evenkeel study --sab)" ] || die "hidden options are offered"
expect 2 evenkeel completion tcsh 2> err
contains err "bash, zsh and fish"
