# Ctrl-C in study and bench: status 130, a word, nothing half-written.
set -m # a job of its own: a shell without jobs has SIGINT ignored in what it puts into the background
mkdir cache
catches() { # process: it is the program, no shell any more, and catches SIGINT; it has yet to begin its work
    [ "/proc/$1/exe" -ef "$EVENKEEL" ] && grep -q '^SigCgt:.*[2367abef]$' "/proc/$1/status"
}
stop() { # seconds, command...
    local seconds=$1 status=0
    shift
    "$EVENKEEL" "$@" > out 2> err &
    for _ in $(seq 200); do ! catches $! || break; sleep 0.05; done
    sleep "$seconds"
    kill -INT $!
    wait $! || status=$?
    [ $status -eq 130 ] || die "exit status $status of $*: $(cat err)"
    contains err "interrupted"
    rm out err
    only cache
}
stop 2 bench norm --rounds 1000
stop 2 study --quick -o s.html
rmdir cache
